/**
 * A helper thread: claims chunks of kernels and runs them on the shared heap until it is told to stop. Plain JavaScript without imports,
 * because it is a module worker in browsers and a worker_threads worker in Node. The protocol stands in threadPool.ts.
 */

// Places in the control block (int32), as in threadPool.ts.
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
const CHUNK_MASK = 1023;

const SPIN_MS = 0.15;

/** The first error of a job, as text that the caller can read without an event loop. */
function reportFailure(control, buffer, error) {
  if (Atomics.compareExchange(control, FAILURE, 0, -1) !== 0) return;
  const text = new Uint16Array(buffer, TEXT_BYTE, TEXT_LENGTH);
  const message = String(error?.message ?? error).slice(0, TEXT_LENGTH);
  for (let i = 0; i < message.length; i++) text[i] = message.charCodeAt(i);
  Atomics.store(control, FAILURE, Math.max(1, message.length));
}

/** Waits for a ticket with chunks left: spins for a while, then sleeps. Returns the ticket, or 0 to stop. */
function waitForTicket(control) {
  let until = performance.now() + SPIN_MS;
  for (let spins = 1; ; spins++) {
    const ticket = Atomics.load(control, TICKET);
    if ((ticket & CHUNK_MASK) !== 0) return ticket;
    if (Atomics.load(control, STOP) !== 0) return 0;
    if (spins % 64 !== 0 || performance.now() < until) continue;
    Atomics.add(control, SLEEPING, 1);
    // The caller writes the ticket before it looks for sleepers: either it sees this one or the ticket has changed and this returns.
    Atomics.wait(control, TICKET, ticket);
    Atomics.sub(control, SLEEPING, 1);
    until = performance.now() + SPIN_MS;
  }
}

function serve({ module, memory, buffer, names }, send) {
  const control = new Int32Array(buffer);
  const shared = new Float64Array(buffer, VALUES_BYTE, 64);
  const abort = () => {
    throw new Error('a SIMD kernel aborted');
  };
  const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, log: Math.log } });
  const kernels = names.map((name) => exports[name]);
  send('ready');
  for (;;) {
    const ticket = waitForTicket(control);
    if (ticket === 0) return;
    // Read before the claim: as long as a chunk of this ticket is unclaimed, the caller writes no other job.
    const kernel = kernels[control[KERNEL]];
    const chunks = control[CHUNKS];
    const values = Array.from(shared.subarray(0, control[COUNT]));
    if (Atomics.compareExchange(control, TICKET, ticket, ticket - 1) !== ticket) continue;
    try {
      kernel((ticket & CHUNK_MASK) - 1, chunks, ...values);
    } catch (error) {
      reportFailure(control, buffer, error);
    }
    if (Atomics.add(control, DONE, 1) === chunks - 1 && Atomics.load(control, CALLER_SLEEPS) !== 0) Atomics.notify(control, DONE);
  }
}

const node = globalThis.process?.versions?.node ? globalThis.process.getBuiltinModule('node:worker_threads') : null;
if (node) {
  const port = node.parentPort;
  port.once('message', (job) => {
    serve(job, (message) => port.postMessage(message));
    port.close();
  });
} else {
  globalThis.onmessage = ({ data }) => {
    try {
      serve(data, (message) => globalThis.postMessage(message));
    } catch (error) {
      globalThis.postMessage({ failure: String(error?.message ?? error) });
    }
    globalThis.close();
  };
}
