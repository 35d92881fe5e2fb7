/** The engine in its Web Worker: the only place that posts messages. Everything else is in session.ts. */
import simdWasmUrl from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import { z } from 'zod';
import { toFailure } from '../base/errors.ts';
import { availableThreads } from '../kernels/simd/threadPool.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { openOpfsFileStore } from '../loader/opfsFileStore.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import type { Command, EngineEvent } from '../protocol/jobs.ts';
import { createSession } from './session.ts';

// zod would try whether it may compile code, which the content security policy reports as a violation.
z.config({ jitless: true });

const scope = self as unknown as {
  postMessage(event: EngineEvent): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<Command>) => void): void;
};

async function openFiles(): Promise<RangeStore> {
  try {
    return await openOpfsFileStore();
  } catch (thrown) {
    return createMemoryFileStore(toFailure(thrown).message);
  }
}

/** Browsers do not freeze a page that holds a lock, so training goes on in a hidden tab. */
async function holdAwake<T>(name: string, body: () => Promise<T>): Promise<T> {
  if (!('locks' in navigator)) return body();
  return (await navigator.locks.request(name, { mode: 'shared' }, body)) as T;
}

// Commands may come before the storage is open.
const early: Command[] = [];
let take = (command: Command): void => void early.push(command);
scope.addEventListener('message', ({ data }) => take(data));

const session = createSession({
  files: await openFiles(),
  host: {
    wasmPaths: { 'tfjs-backend-wasm-simd.wasm': new URL(simdWasmUrl, self.location.href).href },
    threads: availableThreads(),
    holdAwake,
    now: () => performance.now(),
    timestamp: () => new Date().toISOString(),
  },
  emit: (event) => scope.postMessage(event),
});
await session.start();
take = (command) => session.startCommand(command);
early.forEach(take);
