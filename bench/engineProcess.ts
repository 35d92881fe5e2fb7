/** Starts engines in processes of their own and calls them one at a time. Not for measuring: the engines time themselves. */
import { fork, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** An engine that could not be started or asked; the message says why. */
export class EngineFailure extends Error {}

export interface EngineProcess {
  /** One operation; only one at a time. @throws EngineFailure with what the engine said */
  call<Result>(operation: string, argument?: unknown): Promise<Result>;
  close(): void;
}

type Reply = { value: unknown } | { error: string };

/** Calls and replies in turn over any channel. */
class Exchange {
  private waiting: { resolve: (value: unknown) => void; reject: (error: Error) => void } | null = null;
  private ended: string | null = null;

  constructor(private readonly send: (message: object) => void) {}

  reply(reply: Reply): void {
    const { waiting } = this;
    this.waiting = null;
    if ('error' in reply) waiting?.reject(new EngineFailure(reply.error));
    else waiting?.resolve(reply.value);
  }

  end(reason: string): void {
    this.ended = reason;
    this.reply({ error: reason });
  }

  next(): Promise<unknown> {
    if (this.ended !== null) return Promise.reject(new EngineFailure(this.ended));
    return new Promise((resolve, reject) => (this.waiting = { resolve, reject }));
  }

  call(operation: string, argument: unknown): Promise<unknown> {
    const reply = this.next();
    if (this.ended === null) this.send({ operation, argument: argument ?? null });
    return reply;
  }
}

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
// Node 20 must be asked for relaxed SIMD; browsers have it on. The same for every engine.
// As it is before this process opens a GPU, which changes it for the loader of its own driver.
const environment = { ...process.env };
const nodeArguments = ['--experimental-wasm-relaxed-simd', '--import', pathToFileURL(here('../node_modules/tsx/dist/loader.mjs')).href];

/** Opens bench/engines/`module`.ts. @throws EngineFailure when it cannot open */
export async function openEngine(module: string, settings: unknown, env: Record<string, string> = {}): Promise<EngineProcess> {
  const child = fork(here('engineHost.ts'), [module, JSON.stringify(settings)], { execArgv: nodeArguments, env: { ...environment, ...env }, stdio: ['ignore', 2, 2, 'ipc'], serialization: 'json' });
  const exchange = new Exchange((message) => child.send(message));
  child.on('message', (reply) => exchange.reply(reply as Reply));
  child.on('exit', (code, signal) => exchange.end(`The process of ${module} ended (${signal ?? code}).`));
  await exchange.next().catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    call: (operation, argument) => exchange.call(operation, argument) as Promise<never>,
    // A process with a GPU device does not always end by itself.
    close: () => void child.kill('SIGKILL'),
  };
}

/** Opens a Python script that speaks the same over standard input and output, one JSON object a line. @throws EngineFailure */
export async function openPython(script: string, args: string[]): Promise<EngineProcess> {
  const child = spawn(process.env.SIDESTEP_PYTHON ?? 'python3', [here(script), ...args], { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
  const complaints: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const exchange = new Exchange((message) => child.stdin.write(`${JSON.stringify(message)}\n`));
  createInterface({ input: child.stdout }).on('line', (line) => exchange.reply(JSON.parse(line) as Reply));
  child.stdin.on('error', (error) => complaints.push(error.message));
  child.on('error', (error) => exchange.end(error.message));
  child.on('exit', (code) => exchange.end(`Python ended (${code}): ${complaints.join('').trim().split('\n').at(-1)}`));
  await exchange.next();
  return {
    call: (operation, argument) => exchange.call(operation, argument) as Promise<never>,
    close: () => void child.kill(),
  };
}
