/** Gradient clipping by global norm, all on the device. Not for clipping single values. */
import * as tf from '@tensorflow/tfjs-core';
import { globalNorm } from '../kernels/sumSquares/sumSquares.ts';

/**
 * Norm of the mean gradient and the factor that averages and clips it, as torch.nn.utils.clip_grad_norm_.
 * The gradients stay as they are: the factor goes into the optimizer step.
 * @param gradSums   sums over `microBatches` of the gradients of all parameters, borrowed
 * @param maxNorm    largest norm of the mean gradient
 * @returns norm: of the mean gradient before clipping; scale: multiplies the sums. Owned by the caller.
 */
export function clipGradNorm(gradSums: tf.Tensor[], maxNorm: number, microBatches: number): { norm: tf.Scalar; scale: tf.Scalar } {
  const [norm, scale] = tf.tidy(() => {
    const meanNorm = tf.div(globalNorm(gradSums), microBatches) as tf.Scalar;
    // 1e-6 as in PyTorch: no division by zero.
    const clipped = tf.minimum(tf.div(maxNorm, tf.add(meanNorm, 1e-6)), 1);
    return [meanNorm, tf.div(clipped, microBatches) as tf.Scalar];
  }) as [tf.Scalar, tf.Scalar];
  return { norm, scale };
}
