/** A tensor as kernels see it. Types only. */
import type * as tf from '@tensorflow/tfjs-core';

/** A tensor as the descriptions of kernels see it: the shape of the slice and where it begins, if the operand was one. */
export interface KernelTensor extends tf.TensorInfo {
  /** First value in the tensor's storage, in floats; left out for 0. */
  offset?: number;
}
