/**
 * Ends the test process when one case of many takes forever, and says which: nothing inside the process can stop a loop or a regular
 * expression. The limit is no measure of speed; it is far above what any case takes on the slowest machine. Only for tests.
 */
import { Worker } from 'node:worker_threads';

const SOURCE = `
const { workerData } = require('node:worker_threads');
const state = new Int32Array(workerData.shared);
const names = new Uint8Array(workerData.name);
let last = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(state, 0);
  if (now !== last) { last = now; since = Date.now(); return; }
  if (Date.now() - since < workerData.limitMs) return;
  const text = Buffer.from(names.slice(0, Atomics.load(state, 1))).toString('utf8');
  require('node:fs').writeSync(2, 'watchdog: the case "' + text + '" did not end within ' + workerData.limitMs + ' ms\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

export interface Watchdog {
  /** The next case begins. */
  enter(name: string): void;
  close(): Promise<unknown>;
}

export function startWatchdog(limitMs: number): Watchdog {
  const shared = new SharedArrayBuffer(8);
  const name = new SharedArrayBuffer(512);
  const state = new Int32Array(shared);
  const text = new Uint8Array(name);
  const encoder = new TextEncoder();
  const worker = new Worker(SOURCE, { eval: true, workerData: { shared, name, limitMs } });
  worker.unref();
  return {
    enter(caseName) {
      const bytes = encoder.encode(caseName.slice(0, 150));
      text.set(bytes);
      Atomics.store(state, 1, bytes.length);
      Atomics.add(state, 0, 1);
    },
    close: () => worker.terminate(),
  };
}
