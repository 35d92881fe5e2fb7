/**
 * Import this before jax-js. Makes globals of what it takes from a page for its thread pool: `Worker` for module code in a blob, on
 * Node's threads, and the two fields of `navigator` that it reads (Node 20 has none).
 */
import { resolveObjectURL } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { Worker as NodeThread } from 'node:worker_threads';

const prologue = `const { parentPort } = require('node:worker_threads');
globalThis.self = globalThis;
globalThis.postMessage = (message) => parentPort.postMessage(message);
parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

class BlobWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message: string }) => void) | null = null;
  private readonly thread: Promise<NodeThread>;
  private started: NodeThread | null = null;

  constructor(url: string) {
    this.thread = this.open(url);
    this.thread.catch((error: unknown) => this.onerror?.({ message: String(error) }));
  }

  private async open(url: string): Promise<NodeThread> {
    const blob = resolveObjectURL(url);
    if (!blob) throw new Error(`There is no blob at ${url}.`);
    const thread = new NodeThread(prologue + (await blob.text()), { eval: true });
    thread.on('message', (data: unknown) => this.onmessage?.({ data }));
    thread.on('error', (error) => this.onerror?.({ message: String(error) }));
    thread.unref();
    return (this.started = thread);
  }

  postMessage(message: unknown): void {
    if (this.started) this.started.postMessage(message);
    else void this.thread.then((thread) => thread.postMessage(message));
  }
}

(globalThis as { Worker?: unknown }).Worker = BlobWorker;
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'node', hardwareConcurrency: availableParallelism() }, configurable: true });
