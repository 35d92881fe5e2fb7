/** Built-in modules of Node for code that runs in browsers too. Not an import: a bundler for browsers must not follow it. */

interface NodeProcess {
  versions?: { node?: string };
  getBuiltinModule?(name: string): unknown;
}

/** The built-in module `name` ('node:fs'), or null outside Node. The caller names the part of its type that it uses. */
export function nodeBuiltin<Module>(name: string): Module | null {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.versions?.node && process.getBuiltinModule ? (process.getBuiltinModule(name) as Module) : null;
}
