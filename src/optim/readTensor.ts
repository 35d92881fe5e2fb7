/** Reading a tensor back to the host. */
import type * as tf from '@tensorflow/tfjs-core';

/** Copies a float32 tensor to the host. The copy is the caller's: tfjs may hand out an array that it keeps itself. */
export async function readTensor(tensor: tf.Tensor): Promise<Float32Array> {
  return Float32Array.from(await tensor.data());
}
