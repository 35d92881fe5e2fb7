/** What memory a device still has, and how much tensors take at most. Not for limits of single tensors, which a device tells when it opens. */
import * as tf from '@tensorflow/tfjs-core';

/** Buffers of a trial are no larger than this, so that a fragmented memory does not refuse what many buffers together would get. */
const TRIAL_BUFFER_BYTES = 2 ** 28;

/** No GPU has more: a trial of a nonsensical size is not begun. */
const MOST_TRIALS = 4096;

/** A WASM heap can grow to 4 GiB less one page. */
const WASM_HEAP_BYTES = 2 ** 32 - 2 ** 16;

/**
 * Whether a GPU has so many bytes more. Tried with buffers that are given back at once, inside an error scope: a refusal is an answer here and
 * not an error of the device.
 */
export async function canAllocateOnGpu(device: GPUDevice, bytes: number): Promise<boolean> {
  const limit = Math.min(TRIAL_BUFFER_BYTES, device.limits.maxBufferSize);
  if (bytes > MOST_TRIALS * limit) return false;
  const buffers: GPUBuffer[] = [];
  device.pushErrorScope('out-of-memory');
  try {
    for (let left = bytes; left > 0; left -= limit) buffers.push(device.createBuffer({ size: 4 * Math.ceil(Math.min(left, limit) / 4), usage: GPUBufferUsage.STORAGE }));
  } finally {
    for (const buffer of buffers) buffer.destroy();
  }
  return (await device.popErrorScope()) === null;
}

/** The same for the WASM heap, where it is counted: what it once grew to is never given back. */
export function canAllocateOnWasm(bytes: number): boolean {
  return tf.memory().numBytes + bytes <= WASM_HEAP_BYTES;
}

/**
 * Watches the bytes of all tensors from now on. Not the scratch memory of single kernels, nor buffers that lie free in a pool.
 * @returns ends it: the most bytes there were
 */
export function watchPeakBytes(): () => number {
  const { state } = tf.engine() as unknown as { state: { numBytes: number } };
  let bytes = state.numBytes;
  let peak = bytes;
  // Pinned private field of tfjs 4.22: the only place that sees every tensor.
  Object.defineProperty(state, 'numBytes', {
    configurable: true,
    enumerable: true,
    get: () => bytes,
    set: (value: number) => {
      bytes = value;
      if (value > peak) peak = value;
    },
  });
  return () => {
    Object.defineProperty(state, 'numBytes', { configurable: true, enumerable: true, writable: true, value: bytes });
    return peak;
  };
}
