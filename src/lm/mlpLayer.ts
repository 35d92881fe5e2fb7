/** x + mlp(norm(x)): the second half of a block; an activation, gated or not, between two linear layers. */
import * as tf from '@tensorflow/tfjs-core';
import { gatedActivation, gatedActivationGrad } from '../kernels/gatedActivation/gatedActivation.ts';
import { gelu, geluGrad } from '../kernels/gelu/gelu.ts';
import { linearLayer, linearLayerGrad } from './linearLayer.ts';
import { norm, normGrad } from './norm.ts';
import { outputLayer } from './outputLayer.ts';
import type { LanguageModel, LayerParams } from './params.ts';
import { type Differentiable, notDifferentiable, type Pass } from './pass.ts';

function activate({ config: { gatedMlp, hiddenAct } }: LanguageModel, inner: tf.Tensor): tf.Tensor {
  return gatedMlp ? gatedActivation(inner, hiddenAct) : gelu(inner, hiddenAct === 'gelu_new' ? 'tanh' : 'none');
}

function activateGrad({ config: { gatedMlp, hiddenAct } }: LanguageModel, inner: tf.Tensor, gradY: tf.Tensor): tf.Tensor {
  return gatedMlp ? gatedActivationGrad(inner, gradY, hiddenAct) : geluGrad(inner, gradY, hiddenAct === 'gelu_new' ? 'tanh' : 'none');
}

/**
 * @param x [R, C], borrowed until `backward` was called
 * @param residual [R, C] that the result is added to, borrowed: x itself, or what attention made of x where both stand side by side
 * @returns backward gives the gradient with respect to x; that of a residual other than x is gradY itself
 */
export function mlpLayer(lm: LanguageModel, index: number, x: tf.Tensor, { gradients }: Pass, residual = x): Differentiable {
  const layer = lm.layers[index] as LayerParams;
  const normed = norm(lm, layer.mlpNorm, x);
  const inner = linearLayer(lm, layer.mlpInput, normed);
  const activated = activate(lm, inner);
  const projected = outputLayer(lm, { linear: layer.mlpOutput, norm: layer.postMlpNorm }, activated, residual, gradients);
  if (!gradients) {
    tf.dispose([normed, inner, activated]);
    return { y: projected.y, backward: notDifferentiable };
  }
  return {
    y: projected.y,
    backward: (gradY) => {
      const gradActivated = projected.backward(gradY);
      const gradInner = activateGrad(lm, inner, gradActivated);
      tf.dispose([activated, inner, gradActivated]);
      const gradNormed = linearLayerGrad(lm, layer.mlpInput, normed, gradInner, gradients);
      const gradX = normGrad(lm, layer.mlpNorm, x, gradNormed, residual === x ? gradY : null, gradients);
      tf.dispose([normed, gradInner, gradNormed, gradY]);
      return gradX;
    },
  };
}
