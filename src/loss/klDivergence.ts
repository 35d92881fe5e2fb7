/** How far each token distribution has moved from a frozen one. Not for soft targets in training from a teacher. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../kernels/assertShape.ts';
import { withGradient } from '../kernels/withGradient.ts';

/**
 * KL(p || p_base) of each token, p = softmax(logits), in nats. Gradient: dz_k = dy p_k (log p_k - log p_base,k - KL).
 * @param logits     [N, V] float32, borrowed
 * @param baseLogits [N, V] float32, frozen: it gets no gradient; borrowed
 * @returns          [N] float32, owned by the caller
 * @throws EngineError bad-shape for tensors that do not fit
 */
export function klDivergence(logits: tf.Tensor2D, baseLogits: tf.Tensor2D): tf.Tensor1D {
  assertTensor('klDivergence', 'logits', logits, [null, null]);
  assertTensor('klDivergence', 'baseLogits', baseLogits, logits.shape);
  return withGradient(logits, (z, save) => {
    const logProbs = tf.logSoftmax(z);
    const probs = tf.exp(logProbs);
    const difference = tf.sub(logProbs, tf.logSoftmax(baseLogits));
    const kl = tf.sum(tf.mul(probs, difference), 1);
    save([probs, difference, kl]);
    return {
      value: kl,
      gradFunc: (dy, saved) => {
        const [p, d, k] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return tf.mul(tf.mul(p, tf.sub(d, tf.expandDims(k, 1))), tf.expandDims(dy, 1));
      },
    };
  }) as tf.Tensor1D;
}
