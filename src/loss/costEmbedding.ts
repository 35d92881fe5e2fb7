/** The token embeddings that the cost of the Earth Mover's Distance is measured in. Frozen for the whole run. */
import * as tf from '@tensorflow/tfjs-core';
import { copyOf, type Operand } from '../kernels/slice.ts';

/**
 * Scales every row of an embedding table to length 1, so that the cost 1 - e_i.e_j is a cosine distance. Rows of length
 * 0 (tokens that were never trained) stay 0: similarity 0 to every token, so they neither pull nor push.
 * @param operand [V, D] float32: input embeddings or LM head of the frozen base LM, borrowed
 * @returns     [V, D] float32, owned by the caller
 */
export function createCostEmbedding(operand: Operand): tf.Tensor2D {
  return tf.tidy(() => {
    const table = copyOf(operand);
    const squares = tf.sum(tf.square(table), 1, true);
    const scale = tf.where(tf.greater(squares, 0), tf.rsqrt(tf.maximum(squares, 1e-30)), tf.zerosLike(squares));
    return tf.mul(table, scale) as tf.Tensor2D;
  });
}
