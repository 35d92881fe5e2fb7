/**
 * Helper threads for the SIMD kernels. A job is a kernel cut into chunks; the caller and the helpers claim chunks from one ticket, and the
 * caller waits only for chunks that a helper has claimed: a helper that the system does not run costs nothing.
 *
 * The ticket holds the number of the job in its upper bits and the number of unclaimed chunks in its lower ten; a claim takes one off by
 * compare-exchange. The description of a job is written before its ticket and not changed while chunks are unclaimed, so a helper that
 * read an older job finds another ticket when it claims. Not for deciding whether threads pay: see threadTuner.ts.
 */
import { EngineError } from '../../base/errors.ts';
import { nodeBuiltin } from '../../base/nodeBuiltin.ts';

/** A kernel as exported: its share of the work is `chunk` of `chunks`; the rest are sizes, numbers and addresses (bytes). */
export type SimdKernel = (chunk: number, chunks: number, ...values: number[]) => void;

// Places in the control block (int32), each group in cache lines of its own; the same in poolWorker.js.
const TICKET = 0;
const DONE = 16;
const CALLER_SLEEPS = 17;
const KERNEL = 32;
const CHUNKS = 33;
const COUNT = 34;
const SLEEPING = 48;
const STOP = 49;
const FAILURE = 64;
const VALUES_BYTE = 512;
const TEXT_BYTE = 1024;
const TEXT_LENGTH = 256;
const CONTROL_BYTES = TEXT_BYTE + 2 * TEXT_LENGTH;
/** Chunks are counted in the lower bits of the ticket. */
const chunkBits = 10;
export const maxChunks = 2 ** chunkBits - 1;
const maxValues = 64;

/** A job must take so many times longer than waking the helpers for it. */
const worthWaking = 4;
const spinsBeforeSleep = 20_000;
const startTimeoutMs = 10_000;
/** A chunk takes milliseconds; a helper that holds one for so long has died. */
const answerTimeoutMs = 60_000;

/** Of a worker in a browser and in Node what both have. */
interface Helper {
  postMessage(message: unknown): void;
  terminate(): unknown;
}

interface NodeWorkerThreads {
  Worker: new (url: URL, options: { execArgv: string[] }) => Helper & { unref(): void; on(event: string, listener: (value: unknown) => void): void };
}

/** Starts one helper; `ready` resolves when it can claim chunks. */
function startHelper(job: unknown): { helper: Helper; ready: Promise<void> } {
  const threads = nodeBuiltin<NodeWorkerThreads>('node:worker_threads');
  if (threads) {
    // Plain JavaScript: no loader of the caller's is needed. The call is not in the form that bundlers look for.
    const helper = new threads.Worker(new URL('./poolWorker.js', String(import.meta.url)), { execArgv: [] });
    const ready = new Promise<void>((resolve, reject) => {
      helper.on('message', () => resolve());
      helper.on('error', (error) => reject(error instanceof Error ? error : new Error(String(error))));
      helper.on('exit', () => reject(new Error('it ended')));
    });
    helper.postMessage(job);
    return { helper, ready: ready.then(() => helper.unref()) };
  }
  const helper = new Worker(new URL('./poolWorker.js', import.meta.url), { type: 'module', name: 'sidestep-kernels' });
  const ready = new Promise<void>((resolve, reject) => {
    helper.onmessage = ({ data }) => (data === 'ready' ? resolve() : reject(new Error(String(data?.failure))));
    helper.onerror = (event) => reject(new Error(event.message || 'its file could not be loaded'));
  });
  helper.postMessage(job);
  return { helper, ready };
}

/** Whether this thread may sleep: a browser's main thread must not. */
const mayWait = !('document' in globalThis);

export class ThreadPool {
  private readonly control: Int32Array<SharedArrayBuffer>;
  private readonly values: Float64Array<SharedArrayBuffer>;
  private jobs = 0;
  /** What waking the helpers costs the caller, ms, smoothed: a few microseconds on one system, more than 50 on another. */
  private wakeMs = 0.02;

  private constructor(
    private readonly buffer: SharedArrayBuffer,
    private readonly kernels: SimdKernel[],
    private readonly names: string[],
    private readonly helpers: Helper[],
  ) {
    this.control = new Int32Array(buffer);
    this.values = new Float64Array(buffer, VALUES_BYTE, maxValues);
  }

  /**
   * Starts `threads - 1` helpers beside the caller.
   * @param module, memory  the kernels and the shared heap that they work on
   * @param kernels         the caller's own instance, by name
   * @throws EngineError unsupported if a helper does not start, with the reason
   */
  static async open(module: WebAssembly.Module, memory: WebAssembly.Memory, kernels: Record<string, SimdKernel>, threads: number): Promise<ThreadPool> {
    const names = Object.keys(kernels);
    const buffer = new SharedArrayBuffer(CONTROL_BYTES);
    const started = Array.from({ length: threads - 1 }, () => startHelper({ module, memory, buffer, names }));
    const pool = new ThreadPool(buffer, names.map((name) => kernels[name] as SimdKernel), names, started.map(({ helper }) => helper));
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`it took more than ${startTimeoutMs / 1000} s`)), startTimeoutMs);
    });
    try {
      await Promise.race([Promise.all(started.map(({ ready }) => ready)), late]);
    } catch (error) {
      pool.close();
      throw new EngineError('unsupported', `A helper thread did not start: ${error instanceof Error ? error.message : String(error)}.`);
    } finally {
      clearTimeout(timer);
    }
    return pool;
  }

  /** Threads that work on a job, the caller included. */
  get threads(): number {
    return this.helpers.length + 1;
  }

  /**
   * Runs all chunks of a kernel and returns when they are done.
   * @param chunks     1 … maxChunks
   * @param expectedMs how long the job would take the caller alone: sleeping helpers are woken only for jobs much longer than that takes
   * @throws EngineError internal if a chunk fails, after all others are done
   */
  run(index: number, chunks: number, values: number[], expectedMs = Infinity): void {
    const { control } = this;
    const kernel = this.kernels[index] as SimdKernel;
    if (values.length > maxValues || chunks > maxChunks) throw new EngineError('internal', `SIMD kernel ${this.names[index]}: ${values.length} values in ${chunks} chunks are too many.`);
    this.values.set(values);
    control[KERNEL] = index;
    control[CHUNKS] = chunks;
    control[COUNT] = values.length;
    control[FAILURE] = 0;
    Atomics.store(control, DONE, 0);
    this.jobs = (this.jobs + 1) | 0;
    Atomics.store(control, TICKET, (this.jobs << chunkBits) | chunks);
    if (Atomics.load(control, SLEEPING) > 0 && expectedMs > worthWaking * this.wakeMs) this.wake(chunks - 1);
    let failure: unknown;
    for (;;) {
      const ticket = Atomics.load(control, TICKET);
      const left = ticket & maxChunks;
      if (left === 0) break;
      if (Atomics.compareExchange(control, TICKET, ticket, ticket - 1) !== ticket) continue;
      try {
        kernel(left - 1, chunks, ...values);
      } catch (error) {
        failure ??= error;
      }
      Atomics.add(control, DONE, 1);
    }
    this.waitForHelpers(chunks, index);
    if (failure) throw failure;
    if (control[FAILURE] !== 0) throw new EngineError('internal', `SIMD kernel ${this.names[index]} failed on a helper thread: ${this.failureText()}.`);
  }

  private wake(helpers: number): void {
    const started = performance.now();
    Atomics.notify(this.control, TICKET, helpers);
    this.wakeMs += 0.1 * (Math.min(performance.now() - started, 1) - this.wakeMs);
  }

  private waitForHelpers(chunks: number, index: number): void {
    const { control } = this;
    for (let spins = 0; spins < spinsBeforeSleep; spins++) if (Atomics.load(control, DONE) === chunks) return;
    const deadline = performance.now() + answerTimeoutMs;
    Atomics.store(control, CALLER_SLEEPS, 1);
    for (let done = Atomics.load(control, DONE); done !== chunks; done = Atomics.load(control, DONE)) {
      if (mayWait) Atomics.wait(control, DONE, done, 5);
      if (performance.now() > deadline) throw new EngineError('internal', `SIMD kernel ${this.names[index]}: a helper thread has not answered for ${answerTimeoutMs / 1000} s.`);
    }
    Atomics.store(control, CALLER_SLEEPS, 0);
  }

  private failureText(): string {
    return String.fromCharCode(...new Uint16Array(this.buffer, TEXT_BYTE, Math.max(0, this.control[FAILURE]!)));
  }

  /** Ends the helpers. Nothing may be run afterwards. */
  close(): void {
    Atomics.store(this.control, STOP, 1);
    // Wakes the sleepers: they wait for a change of the ticket.
    Atomics.notify(this.control, TICKET);
    for (const helper of this.helpers) helper.terminate();
  }
}

interface NodeOs {
  availableParallelism(): number;
}

/** Threads that are worth having on this machine: one a core, up to eight. */
export function availableThreads(): number {
  const cores = nodeBuiltin<NodeOs>('node:os')?.availableParallelism() ?? navigator.hardwareConcurrency;
  return Math.max(1, Math.min(cores || 1, 8));
}
