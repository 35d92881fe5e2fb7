import type { Server } from 'node:http';

export function createStaticServer(folder: string): Server;
export function listenOnFreePort(server: Server, port: number, host?: string): Promise<number>;
