/** An op of one differentiable input with a gradient of its own; everything else it uses is frozen. */
import * as tf from '@tensorflow/tfjs-core';

export interface ValueWithGradient {
  /** What the op gives. */
  value: tf.Tensor;
  /** Gradient with respect to the input, from the gradient with respect to the value and what was saved. */
  gradFunc(grad: tf.Tensor, saved: tf.Tensor[]): tf.Tensor;
}

/**
 * Runs `op` so that the tape takes its own gradient in place of those of the steps inside it.
 * tf.customGrad in other types: frozen operands in the closure cost no gradient, and `save` may keep intermediates.
 * @param x borrowed
 * @returns owned by the caller
 */
export function withGradient(x: tf.Tensor, op: (x: tf.Tensor, save: (tensors: tf.Tensor[]) => void) => ValueWithGradient): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [tensor, save] = inputs as [tf.Tensor, tf.GradSaveFunc];
    return op(tensor, save);
  })(x);
}
