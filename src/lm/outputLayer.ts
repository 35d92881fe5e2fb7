/** residual + norm(linear(x)): how both halves of a block come back to the residual stream; the norm only in LMs with sandwich norms. */
import * as tf from '@tensorflow/tfjs-core';
import { linearLayer, linearLayerGrad } from './linearLayer.ts';
import { norm, normGrad } from './norm.ts';
import type { LanguageModel, LinearParams, NormParams } from './params.ts';
import { type Differentiable, notDifferentiable } from './pass.ts';

/** Of `linear` and its norm, the parts that one half of a block has. */
export interface OutputParams {
  linear: LinearParams;
  /** null: nothing stands between the linear layer and the residual. */
  norm: NormParams | null;
}

/**
 * @param x [R, in], borrowed until `backward` was called @param residual [R, C], borrowed
 * @param gradients as in Pass; null for a pass without a way back
 * @returns y [R, C]; `backward` borrows gradY (unlike other layers: the residual needs it too) and gives the gradient with respect to x
 */
export function outputLayer(lm: LanguageModel, params: OutputParams, x: tf.Tensor, residual: tf.Tensor, gradients: tf.Tensor | null): Differentiable {
  const { linear, norm: postNorm } = params;
  if (!postNorm)
    return { y: linearLayer(lm, linear, x, residual), backward: gradients ? (gradY) => linearLayerGrad(lm, linear, x, gradY, gradients) : notDifferentiable };
  const projected = linearLayer(lm, linear, x);
  const normed = norm(lm, postNorm, projected);
  const y = tf.add(normed, residual);
  normed.dispose();
  if (!gradients) {
    projected.dispose();
    return { y, backward: notDifferentiable };
  }
  return {
    y,
    backward: (gradY) => {
      const gradProjected = normGrad(lm, postNorm, projected, gradY, null, gradients);
      const gradX = linearLayerGrad(lm, linear, x, gradProjected, gradients);
      tf.dispose([projected, gradProjected]);
      return gradX;
    },
  };
}
