/**
 * Bytes straight into tensors and values straight out of them, piece by piece, so that a model never lies in JavaScript's memory whole.
 * Not for batches and other small tensors: tf.tensor uploads those.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { decodePacked, packedWords } from './packed.ts';
import { readOnWebGpu } from './readLater.ts';
import type { WebGpuHost } from './runWgsl.ts';
import { assertSlice, isSlice, type Operand, sizeOf, storageOf, tensorOf } from './slice.ts';
import type { WasmHost } from './wasmHost.ts';
import { streamOf } from './webgpu/commandStream.ts';

/** What we use of tfjs' cpu backend. */
interface CpuHost {
  data: { get(dataId: object): { values: Float32Array | Int32Array } };
  makeTensorInfo(shape: number[], dtype: string, values: Float32Array | Int32Array): tf.TensorInfo;
}

/** Words that one download brings: 32 MiB, so that reading a large tensor needs no second buffer of its size on the device. */
const wordsPerDownload = 2 ** 23;

function makeInfo(shape: number[], dtype: 'float32' | 'int32'): tf.TensorInfo {
  const backend: unknown = tf.backend();
  const name = tf.getBackend();
  const size = tf.util.sizeFromShape(shape);
  if (name === 'wasm') return (backend as WasmHost).makeOutput(shape, dtype);
  if (name !== 'webgpu') return (backend as CpuHost).makeTensorInfo(shape, dtype, dtype === 'int32' ? new Int32Array(size) : new Float32Array(size));
  const host = backend as WebGpuHost;
  const limit = host.device.limits.maxBufferSize;
  if (4 * size > limit) throw new EngineError('unsupported', `A tensor [${shape}] takes ${4 * size} bytes; a buffer of this GPU holds at most ${limit}. Load a smaller model, or use WebAssembly.`);
  return host.makeTensorInfo(shape, dtype);
}

/**
 * A tensor on the device whose values are not set: fill it with `writeTensorBytes`. On WebGPU its buffer is made at the first write or use.
 * @returns owned by the caller
 * @throws EngineError unsupported if no buffer of the device can be so large, out-of-memory if the WASM heap is full
 */
export function allocateTensor(shape: number[], dtype: 'float32' | 'int32'): tf.Tensor {
  return tf.engine().makeTensorFromTensorInfo(makeInfo([...shape], dtype));
}

/** The bytes of a tensor that lies in JavaScript's memory or in the WASM heap. The view dies when the heap grows. */
function hostBytes(tensor: tf.Tensor): Uint8Array {
  if (tf.getBackend() === 'wasm') {
    const host = tf.backend() as unknown as WasmHost;
    return new Uint8Array(host.wasm.asm.memory.buffer, host.getMemoryOffset(tensor.dataId), 4 * tensor.size);
  }
  const { values } = (tf.backend() as unknown as CpuHost).data.get(tensor.dataId);
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Writes bytes into a tensor: after all work that was recorded before, before all that is recorded later.
 * @param tensor     float32 or int32, rewritten in place; on WebGPU what is recorded is submitted first
 * @param byteOffset a multiple of 4
 * @param bytes      borrowed until the call returns; a multiple of 4 of them, little-endian
 * @throws EngineError bad-argument if they do not fit
 */
export function writeTensorBytes(tensor: tf.Tensor, byteOffset: number, bytes: Uint8Array): void {
  const sizeBytes = 4 * tensor.size;
  if ((tensor.dtype !== 'float32' && tensor.dtype !== 'int32') || byteOffset < 0 || byteOffset % 4 !== 0 || bytes.byteLength % 4 !== 0 || byteOffset + bytes.byteLength > sizeBytes)
    throw new EngineError('bad-argument', `writeTensorBytes: ${bytes.byteLength} bytes at ${byteOffset} do not fit a ${tensor.dtype} tensor of ${sizeBytes} bytes, or are not whole words.`);
  if (bytes.byteLength === 0) return;
  if (tf.getBackend() !== 'webgpu') {
    hostBytes(tensor).set(bytes, byteOffset);
    return;
  }
  const host = tf.backend() as unknown as WebGpuHost;
  const stream = streamOf(host);
  if (stream.recording) return;
  host.uploadToGPU(tensor.dataId);
  // The queue writes at once, so what is recorded and may use this buffer, or did before it came back to the pool, goes first.
  stream.flush();
  host.tensorMap.get(tensor.dataId).values = null;
  const { buffer } = stream.bindingOf(tensor.dataId);
  host.queue.writeBuffer(buffer, byteOffset, bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength);
}

/** @returns the 4-byte words from `begin` on, owned by the caller */
async function readWords(tensor: tf.Tensor, begin: number, count: number): Promise<Int32Array> {
  if (tf.getBackend() !== 'webgpu') return new Int32Array(hostBytes(tensor).slice(4 * begin, 4 * (begin + count)).buffer);
  const host = tf.backend() as unknown as WebGpuHost;
  const words = new Int32Array(count);
  for (let at = 0; at < count; at += wordsPerDownload) {
    const part = Math.min(wordsPerDownload, count - at);
    words.set(new Int32Array(await readOnWebGpu(host, tensor, begin + at, part)), at);
  }
  return words;
}

/**
 * Values of one operand, decoded. For export and merging; ask for one operand at a time.
 * @param operand float32, or packed; borrowed, and to be left alone until the promise resolves
 * @returns a copy, owned by the caller; zeros in a dry run (compilePipelines)
 * @throws EngineError bad-argument for integers, gpu-error if the device does not give them back
 */
export async function readValues(operand: Operand): Promise<Float32Array> {
  const tensor = tensorOf(operand);
  const storage = storageOf(operand);
  if (isSlice(operand)) assertSlice('readValues', 'operand', operand);
  if (!storage && tensor.dtype !== 'float32') throw new EngineError('bad-argument', `readValues: the tensor is ${tensor.dtype}, not float32.`);
  const offset = isSlice(operand) ? operand.offset : 0;
  const count = sizeOf(operand);
  if (!storage) return new Float32Array((await readWords(tensor, offset, count)).buffer as ArrayBuffer);
  return decodePacked(await readWords(tensor, offset / 2, packedWords(count)), storage, 0, count);
}
