/** A linear layer of the LM in the layout of its family, with its adapter where it has one. */
import type * as tf from '@tensorflow/tfjs-core';
import { addColumnSums } from '../kernels/columnSums/columnSums.ts';
import { addLinearWeightGrad, linear, linearInputGrad } from '../kernels/matMul/linear.ts';
import { addLora, addLoraGrad } from './loraLayer.ts';
import type { LanguageModel, LinearParams } from './params.ts';
import { gradientOf } from './pass.ts';

/** @param x [R, in] @param residual [R, out] is added. Borrowed @returns [R, out], owned by the caller */
export function linearLayer(lm: LanguageModel, { weight, bias, lora }: LinearParams, x: tf.Tensor, residual: tf.Tensor | null = null): tf.Tensor {
  const y = linear(x, weight, { bias, residual, layout: lm.weightLayout });
  if (lora && lm.adapter) addLora(lm.adapter, lora, x, y);
  return y;
}

/**
 * Adds the gradients of weight, bias and adapter where they are trained.
 * @param x the layer's input @param gradY of its output; both borrowed
 * @returns gradient with respect to x, owned by the caller
 */
export function linearLayerGrad(lm: LanguageModel, { weight, bias, lora }: LinearParams, x: tf.Tensor, gradY: tf.Tensor, gradients: tf.Tensor): tf.Tensor {
  const gradWeight = gradientOf(lm, weight, gradients);
  if (gradWeight) addLinearWeightGrad(gradY, x, gradWeight, lm.weightLayout);
  const gradBias = bias && gradientOf(lm, bias, gradients);
  if (gradBias) addColumnSums(gradY, gradBias);
  const gradX = linearInputGrad(gradY, weight, lm.weightLayout);
  if (lora && lm.adapter) addLoraGrad(lm, lm.adapter, lora, { x, gradY, gradX, gradients });
  return gradX;
}
