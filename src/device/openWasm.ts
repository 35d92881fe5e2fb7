/**
 * Opens tfjs' WASM backend: the single-threaded SIMD build, on whose heap our own kernels run too. Where the machine lets threads share
 * memory, the heap is made shared and helper threads share the work of our kernels; tfjs' own kernels stay on the caller's thread.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nodeBuiltin } from '../base/nodeBuiltin.ts';
import { closeThreads, openThreads } from '../kernels/simd/openSimd.ts';
import { withSharedMemory } from '../kernels/simd/sharedMemory.ts';
import type { WasmHost } from '../kernels/wasmHost.ts';

/** The one binary we use; the other two builds of tfjs get the same address, as tfjs insists on three. */
const binaryName = 'tfjs-backend-wasm-simd.wasm';
const allBinaries = ['tfjs-backend-wasm.wasm', binaryName, 'tfjs-backend-wasm-threaded-simd.wasm'];
/** Under this address tfjs asks for the binary that we have already read. */
const binaryAddress = 'sidestep:tfjs-backend-wasm-simd.wasm';

export interface OpenedWasm {
  /** Threads that our kernels use, the caller's included. */
  threads: number;
  /** Why there is only one; null with several. */
  oneThreadReason: string | null;
  /** Ends the helper threads. */
  closeThreads(): void;
}

interface NodeFiles {
  readFileSync(path: string | URL): Uint8Array;
}

interface NodeModules {
  createRequire(from: string): { resolve(name: string): string };
}

const failedToLoad = (where: string, why: string): EngineError => new EngineError('network', `The WebAssembly backend did not start: ${where} cannot be loaded (${why}).`);

/** The bytes of the tfjs binary: from `wasmPaths`, or in Node from the installed package. */
async function readBinary(wasmPaths: string | Record<string, string> | undefined): Promise<Uint8Array> {
  const address = typeof wasmPaths === 'string' ? wasmPaths + binaryName : wasmPaths?.[binaryName];
  if (wasmPaths && address === undefined) throw new EngineError('bad-argument', `wasmPaths has no entry for ${binaryName}.`);
  const files = nodeBuiltin<NodeFiles>('node:fs');
  if (files && !/^https?:/.test(address ?? '')) {
    const path = address ?? nodeBuiltin<NodeModules>('node:module')!.createRequire(String(import.meta.url)).resolve(`@tensorflow/tfjs-backend-wasm/dist/${binaryName}`);
    try {
      return files.readFileSync(path.startsWith('file:') ? new URL(path) : path);
    } catch (error) {
      throw failedToLoad(path, (error as Error).message);
    }
  }
  if (address === undefined) throw new EngineError('bad-argument', `wasmPaths must say where ${binaryName} is.`);
  let response: Response;
  try {
    response = await fetch(address, { credentials: 'same-origin' });
  } catch (error) {
    throw failedToLoad(address, (error as Error).message);
  }
  if (!response.ok) throw failedToLoad(address, `status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

/** Why threads cannot share memory here, or null if they can. */
function noSharingReason(): string | null {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  if (typeof SharedArrayBuffer === 'undefined' || (crossOriginIsolated === false && nodeBuiltin('node:fs') === null))
    return 'The page is not cross-origin isolated (its server sends no COOP and COEP headers), so threads cannot share memory.';
  try {
    // Reserves addresses, not memory; browsers on small machines may refuse.
    new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  } catch (error) {
    return `This machine does not give out shared memory of 4 GiB: ${(error as Error).message}.`;
  }
  return null;
}

type SetWasmPaths = typeof import('@tensorflow/tfjs-backend-wasm').setWasmPaths;

/** Makes 'wasm' the active backend with this binary, which tfjs fetches through its platform. */
async function startBackend(setWasmPaths: SetWasmPaths, binary: Uint8Array): Promise<void> {
  setWasmPaths(Object.fromEntries(allBinaries.map((name) => [name, binaryAddress])), true);
  const { platform } = tf.env();
  const stockFetch = platform.fetch;
  platform.fetch = (path, init) => (path === binaryAddress ? Promise.resolve(new Response(binary as BlobPart)) : stockFetch.call(platform, path, init));
  try {
    const opened = await tf.setBackend('wasm');
    if (!opened) throw new EngineError('internal', 'The WebAssembly backend did not start.');
    await tf.ready();
  } finally {
    platform.fetch = stockFetch;
  }
}

/**
 * Makes 'wasm' the active tfjs backend.
 * @param wasmPaths address of the folder of the tfjs binaries (ending in '/'), or of each binary by name; in Node, where the
 *                  binaries lie in node_modules, nothing need be given
 * @param threads   how many threads to use where memory can be shared; 1 leaves the heap unshared
 * @throws EngineError unsupported without WASM SIMD, network if the binary cannot be loaded, internal if it is another one than expected
 */
export async function openWasm(wasmPaths: string | Record<string, string> | undefined, threads: number): Promise<OpenedWasm> {
  const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new EngineError('unsupported', 'This browser has no WebAssembly SIMD, which the engine needs; a current browser has it.');
  // tfjs' threaded build makes its workers from blobs, which our content security policy forbids.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  let oneThreadReason = threads < 2 ? 'One thread was asked for, or the machine has no more.' : noSharingReason();
  const binary = await readBinary(wasmPaths);
  await startBackend(setWasmPaths, oneThreadReason === null ? withSharedMemory(binary) : binary);
  const backend = tf.backend() as unknown as WasmHost;
  // Pinned private field of tfjs 4.22: where our kernels find the heap.
  const memory = (backend as { wasm?: { asm?: { memory?: unknown } } }).wasm?.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) throw new EngineError('internal', 'The WebAssembly backend does not show its memory; the tfjs version is not the one that the engine is made for.');
  if (oneThreadReason === null) {
    try {
      await openThreads(backend, threads);
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'unsupported') throw error;
      oneThreadReason = error.message;
    }
  }
  return { threads: oneThreadReason === null ? threads : 1, oneThreadReason, closeThreads: () => closeThreads(backend) };
}
