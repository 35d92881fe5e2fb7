/** x + mlp(norm(x)): the second half of a block; SwiGLU or GELU between two linear layers. */
import * as tf from '@tensorflow/tfjs-core';
import { gatedActivation, gatedActivationGrad } from '../kernels/gatedActivation/gatedActivation.ts';
import { gelu, geluGrad } from '../kernels/gelu/gelu.ts';
import { linearLayer, linearLayerGrad } from './linearLayer.ts';
import { norm, normGrad } from './norm.ts';
import type { LanguageModel, LayerParams } from './params.ts';
import { type Differentiable, notDifferentiable, type Pass } from './pass.ts';

function activate({ config }: LanguageModel, inner: tf.Tensor): tf.Tensor {
  if (config.hiddenAct === 'silu') return gatedActivation(inner, 'silu');
  return gelu(inner, config.hiddenAct === 'gelu_new' ? 'tanh' : 'none');
}

function activateGrad({ config }: LanguageModel, inner: tf.Tensor, gradY: tf.Tensor): tf.Tensor {
  if (config.hiddenAct === 'silu') return gatedActivationGrad(inner, gradY, 'silu');
  return geluGrad(inner, gradY, config.hiddenAct === 'gelu_new' ? 'tanh' : 'none');
}

/** @param x [R, C], borrowed until `backward` was called */
export function mlpLayer(lm: LanguageModel, index: number, x: tf.Tensor, { gradients }: Pass): Differentiable {
  const layer = lm.layers[index] as LayerParams;
  const normed = norm(lm, layer.mlpNorm, x);
  const inner = linearLayer(lm, layer.mlpInput, normed);
  const activated = activate(lm, inner);
  const y = linearLayer(lm, layer.mlpOutput, activated, x);
  if (!gradients) {
    tf.dispose([normed, inner, activated]);
    return { y, backward: notDifferentiable };
  }
  return {
    y,
    backward: (gradY) => {
      const gradActivated = linearLayerGrad(lm, layer.mlpOutput, activated, gradY, gradients);
      const gradInner = activateGrad(lm, inner, gradActivated);
      tf.dispose([activated, inner, gradActivated]);
      const gradNormed = linearLayerGrad(lm, layer.mlpInput, normed, gradInner, gradients);
      const gradX = normGrad(lm, layer.mlpNorm, x, gradNormed, gradY, gradients);
      tf.dispose([normed, gradInner, gradNormed, gradY]);
      return gradX;
    },
  };
}
