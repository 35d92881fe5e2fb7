/**
 * Reading results while the device goes on: the copy is recorded where it is asked for, and the caller awaits it when it needs it, for
 * instance one step later. Not for handing tensors to other kernels: those need no read.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { WebGpuHost } from './runWgsl.ts';
import { isSlice, type Operand, sizeOf, tensorOf } from './slice.ts';
import { streamOf } from './webgpu/commandStream.ts';

/** @param offset of the first word, @param count of words, 4 bytes each @throws EngineError gpu-error if the device does not give them back */
export async function readOnWebGpu(backend: WebGpuHost, tensor: tf.Tensor, offset: number, count: number): Promise<ArrayBuffer> {
  try {
    return await streamOf(backend).download(tensor.dataId, offset, count);
  } catch (cause) {
    // Dawn and Chrome reject with an AbortError here, which must not pass for a person's abort.
    throw new EngineError('gpu-error', 'The GPU did not give its results back: the device was lost or an operation failed. The last saved state is unharmed.', { cause });
  }
}

/**
 * Values of a float32 tensor or slice as they are at this point of the work: it may be rewritten or disposed right after the call.
 * Submits what is recorded, and does not wait for it. To keep the device busy and its queue short, await the read of one step
 * when the next one is recorded: then two steps are under way at most. On WASM and CPU the values are there at once.
 * @param operand borrowed until the call returns (not until the promise resolves)
 * @returns a copy, owned by the caller; zeros in a dry run (compilePipelines)
 * @throws EngineError bad-argument if it is not float32, gpu-error if the device does not give it back; whether it is lost, the opened backend knows
 */
export function readLater(operand: Operand): Promise<Float32Array> {
  const tensor = tensorOf(operand);
  if (tensor.dtype !== 'float32') throw new EngineError('bad-argument', `readLater: the tensor is ${tensor.dtype}, not float32.`);
  const offset = isSlice(operand) ? operand.offset : 0;
  const count = sizeOf(operand);
  if (tf.getBackend() === 'webgpu') {
    const backend = tf.backend() as unknown as WebGpuHost;
    const { values } = backend.tensorMap.get(tensor.dataId);
    if (!values) return readOnWebGpu(backend, tensor, offset, count).then((bytes) => new Float32Array(bytes));
  }
  // Not awaited before the copy: whoever calls may dispose the tensor at once.
  return Promise.resolve((tensor.dataSync() as Float32Array).slice(offset, offset + count));
}
