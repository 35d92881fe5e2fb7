/** RMSNorm or LayerNorm, as the LM's family has it: a layer norm has a bias. */
import type * as tf from '@tensorflow/tfjs-core';
import { layerNorm, layerNormGrad } from '../kernels/layerNorm/layerNorm.ts';
import { rmsNorm, rmsNormGrad } from '../kernels/rmsNorm/rmsNorm.ts';
import type { LanguageModel, NormParams } from './params.ts';
import { gradientOf } from './pass.ts';

/** @param x [R, C], borrowed @returns [R, C], owned by the caller */
export function norm(lm: LanguageModel, { gain, bias }: NormParams, x: tf.Tensor): tf.Tensor {
  const { normEps } = lm.config;
  return bias ? layerNorm(x, gain, bias, normEps) : rmsNorm(x, gain, normEps);
}

/**
 * Adds the gradients of gain and bias where they are trained.
 * @param x the norm's input @param gradY of its output @param residualGrad is added to the result where the input also went past the norm. All borrowed
 * @returns gradient with respect to x, owned by the caller
 */
export function normGrad(lm: LanguageModel, { gain, bias }: NormParams, x: tf.Tensor, gradY: tf.Tensor, residualGrad: tf.Tensor | null, gradients: tf.Tensor): tf.Tensor {
  const common = { x, weight: gain, eps: lm.config.normEps, gradY, residualGrad, gradWeight: gradientOf(lm, gain, gradients) };
  return bias ? layerNormGrad({ ...common, gradBias: gradientOf(lm, bias, gradients) }) : rmsNormGrad(common);
}
