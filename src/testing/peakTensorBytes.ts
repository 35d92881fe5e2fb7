/** The most bytes of tensors that some work holds at once. For tests and benchmarks of memory. */
import * as tf from '@tensorflow/tfjs-core';
import { watchPeakBytes } from '../device/deviceMemory.ts';

/**
 * What `watchPeakBytes` counts, on top of what there was before.
 * @param work synchronous
 */
export function peakTensorBytes<Result>(work: () => Result): { peakBytes: number; result: Result } {
  const before = tf.memory().numBytes;
  const end = watchPeakBytes();
  try {
    const result = work();
    return { peakBytes: end() - before, result };
  } catch (thrown) {
    end();
    throw thrown;
  }
}
