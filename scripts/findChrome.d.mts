export function findInstalledChrome(): string | null;
export function findOrInstallChrome(): Promise<string>;
