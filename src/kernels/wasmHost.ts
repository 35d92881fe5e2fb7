/** The part of tfjs' WASM backend that our kernels stand on; pinned to tfjs 4.22. */
import type * as tf from '@tensorflow/tfjs-core';

/** What we use of tfjs' wasm backend; `typedArrayFromHeap` views die when the heap grows. */
export interface WasmHost {
  wasm: { asm: { memory: WebAssembly.Memory }; _malloc(sizeBytes: number): number; _free(pointer: number): void };
  makeOutput(shape: number[], dtype: string): tf.TensorInfo;
  typedArrayFromHeap(info: tf.TensorInfo): Float32Array | Int32Array;
  getMemoryOffset(dataId: object): number;
}
