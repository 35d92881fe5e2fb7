/** What an adapter adds to one product of the LM, forth and back. Not for which products have one (adapter.ts). */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../base/rng.ts';
import { addColumns, takeColumns } from '../kernels/columns/columns.ts';
import { dropout } from '../kernels/dropout/dropout.ts';
import { addLinearWeightGrad, addMatMul, linear, linearInputGrad } from '../kernels/matMul/linear.ts';
import { loraScaling } from './adapter.ts';
import type { LanguageModel, LoraAdapter, LoraLayer } from './params.ts';
import { gradientOf } from './pass.ts';

/**
 * Drops some of what goes into A.
 * Differs from PEFT: layers of one product (q, k, v) share the mask, as they share the product.
 * @returns `x` itself where nothing is dropped, else owned by the caller
 */
function dropped({ config, dropoutSeed }: LoraAdapter, { index }: LoraLayer, x: tf.Tensor): tf.Tensor {
  if (dropoutSeed === null || config.loraDropout === 0) return x;
  return dropout(x, { p: config.loraDropout, seed: new Rng(dropoutSeed).fork(index).seed });
}

const disposeUnless = (kept: tf.Tensor, tensor: tf.Tensor): void => void (tensor !== kept && tensor.dispose());

const scaleOf = ({ config, strength }: LoraAdapter): number => loraScaling(config) * strength;

/** scale · x Aᵀ of all layers of the product. @returns [R, n · r], owned by the caller */
function scaledInner(x: tf.Tensor, { a }: LoraLayer, scale: number): tf.Tensor {
  const inner = linear(x, a);
  if (scale === 1) return inner;
  const scaled = takeColumns(inner, 0, inner.shape[1]!, scale);
  inner.dispose();
  return scaled;
}

/**
 * Adds scaling · strength · (dropout(x) Aᵀ) Bᵀ to the columns of the layers that have an adapter.
 * @param x [R, in] input of the product, borrowed @param y [R, out] its result, rewritten in place
 */
export function addLora(adapter: LoraAdapter, lora: LoraLayer, x: tf.Tensor, y: tf.Tensor): void {
  const scale = scaleOf(adapter);
  if (scale === 0) return;
  const input = dropped(adapter, lora, x);
  const inner = scaledInner(input, lora, scale);
  disposeUnless(x, input);
  const { r } = adapter.config;
  for (const [i, { from, b }] of lora.parts.entries()) {
    if (b.shape[0] === y.shape[1]) {
      addMatMul(y, inner, b, { transposeB: true });
      continue;
    }
    const own = lora.parts.length === 1 ? inner : takeColumns(inner, i * r, r);
    const part = linear(own, b);
    disposeUnless(inner, own);
    addColumns(y, from, part);
    part.dispose();
  }
  inner.dispose();
}

/**
 * The way back of addLora: adds the gradients of A and B where they are trained, and what went through the adapter to `gradX`.
 * @param x [R, in] and gradY [R, out] of the product, borrowed @param gradX [R, in], rewritten in place @param gradients laid out as the adapter, rewritten
 */
export function addLoraGrad(lm: LanguageModel, adapter: LoraAdapter, lora: LoraLayer, tensors: { x: tf.Tensor; gradY: tf.Tensor; gradX: tf.Tensor; gradients: tf.Tensor }): void {
  const { x, gradY, gradX, gradients } = tensors;
  const scale = scaleOf(adapter);
  if (scale === 0) return;
  const { r } = adapter.config;
  const input = dropped(adapter, lora, x);
  // Computed again: keeping it would take a tensor a product, and it is a small share of the product.
  const inner = scaledInner(input, lora, scale);
  const gradInner = tf.zeros(inner.shape);
  for (const [i, { from, b }] of lora.parts.entries()) {
    const gradOwn = b.shape[0] === gradY.shape[1] ? gradY : takeColumns(gradY, from, b.shape[0]!);
    const own = lora.parts.length === 1 ? inner : takeColumns(inner, i * r, r);
    const gradB = gradientOf(lm, b, gradients);
    if (gradB) addLinearWeightGrad(gradOwn, own, gradB);
    const part = linearInputGrad(gradOwn, b);
    addColumns(gradInner, i * r, part, scale);
    part.dispose();
    disposeUnless(gradY, gradOwn);
    disposeUnless(inner, own);
  }
  const gradA = gradientOf(lm, lora.a, gradients);
  if (gradA) addLinearWeightGrad(gradInner, input, gradA);
  if (input === x) addMatMul(gradX, gradInner, lora.a);
  else {
    const gradInput = linearInputGrad(gradInner, lora.a);
    // Dropout is linear with the same mask both ways.
    const past = dropped(adapter, lora, gradInput);
    addColumns(gradX, 0, past);
    tf.dispose([gradInput, past, input]);
  }
  tf.dispose([inner, gradInner]);
}
