/** Reading a tensor back to the host. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';

/**
 * Copies a float32 tensor to the host. The copy is the caller's: tfjs may hand out an array that it keeps itself.
 * @throws EngineError gpu-error if the device does not give it back; whether it is lost, the opened backend knows
 */
export async function readTensor(tensor: tf.Tensor): Promise<Float32Array> {
  try {
    return Float32Array.from(await tensor.data());
  } catch (cause) {
    // Dawn and Chrome reject with an AbortError here, which must not pass for a person's abort.
    throw new EngineError('gpu-error', 'The GPU did not give its results back: the device was lost or an operation failed. The last saved state is unharmed.', { cause });
  }
}
