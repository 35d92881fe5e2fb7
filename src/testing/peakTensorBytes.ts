/** The most bytes of tensors that some work holds at once. For tests and benchmarks of memory. */
import * as tf from '@tensorflow/tfjs-core';

/**
 * Counts every tensor that tfjs' engine tracks, at each change, on top of what there was before. Not the scratch memory that matrix products
 * share, nor buffers that a GPU backend keeps for reuse.
 * @param work synchronous
 */
export function peakTensorBytes<Result>(work: () => Result): { peakBytes: number; result: Result } {
  const { state } = tf.engine() as unknown as { state: { numBytes: number } };
  const before = state.numBytes;
  let bytes = before;
  let peak = before;
  Object.defineProperty(state, 'numBytes', {
    configurable: true,
    enumerable: true,
    get: () => bytes,
    set: (value: number) => {
      bytes = value;
      if (value > peak) peak = value;
    },
  });
  try {
    const result = work();
    return { peakBytes: peak - before, result };
  } finally {
    Object.defineProperty(state, 'numBytes', { configurable: true, enumerable: true, writable: true, value: bytes });
  }
}
