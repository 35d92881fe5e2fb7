/** Opens tfjs' WASM backend: the single-threaded SIMD build, on whose heap our own kernels run too. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';

/** The one binary we use; the other two builds of tfjs get the same address, as tfjs insists on three. */
const binaryName = 'tfjs-backend-wasm-simd.wasm';
const allBinaries = ['tfjs-backend-wasm.wasm', binaryName, 'tfjs-backend-wasm-threaded-simd.wasm'];

/**
 * Makes 'wasm' the active tfjs backend.
 * @param wasmPaths address of the folder of the tfjs binaries (ending in '/'), or of each binary by name; in Node, where the
 *                  binaries lie in node_modules, nothing need be given
 * @throws EngineError unsupported without WASM SIMD, network if the binary cannot be loaded
 */
export async function openWasm(wasmPaths?: string | Record<string, string>): Promise<void> {
  const wasm = await import('@tensorflow/tfjs-backend-wasm');
  if (!(await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT'))) throw new EngineError('unsupported', 'This browser has no WebAssembly SIMD, which the engine needs; a current browser has it.');
  // Threads would need cross-origin isolation and workers made from blobs; our kernels do the heavy work on one thread.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (typeof wasmPaths === 'string') wasm.setWasmPaths(wasmPaths);
  else if (wasmPaths) {
    const simd = wasmPaths[binaryName];
    if (!simd) throw new EngineError('bad-argument', `wasmPaths has no entry for ${binaryName}.`);
    wasm.setWasmPaths(Object.fromEntries(allBinaries.map((name) => [name, wasmPaths[name] ?? simd])));
  }
  const opened = await tf.setBackend('wasm');
  if (!opened) throw new EngineError('network', `The WebAssembly backend did not start; can ${binaryName} be fetched?`);
  await tf.ready();
  // Pinned private field of tfjs 4.22: where our kernels find the heap.
  const memory = (tf.backend() as unknown as { wasm?: { asm?: { memory?: unknown } } }).wasm?.asm?.memory;
  if (!(memory instanceof WebAssembly.Memory)) throw new EngineError('internal', 'The WebAssembly backend does not show its memory; the tfjs version is not the one that the engine is made for.');
}
