/** A tensor as kernels see it. Types only. */
import type * as tf from '@tensorflow/tfjs-core';
import type { PackedStorage } from './packed.ts';

/** A tensor as the descriptions of kernels see it: the shape of the slice and where it begins, if the operand was one. */
export interface KernelTensor extends tf.TensorInfo {
  /** First value in the tensor's storage, in values; left out for 0. */
  offset?: number;
  /** Left out for whole words; else `dtype` is int32 and holds two values a word. */
  storage?: PackedStorage;
}
