/** x + attention(norm(x)): the first half of a block. */
import * as tf from '@tensorflow/tfjs-core';
import { attentionFused, attentionFusedGrad, type FusedSizes } from '../kernels/attention/attentionFused.ts';
import { cachedAttention } from '../kernels/attention/cachedAttention.ts';
import { appendKv } from '../kernels/kvCache/appendKv.ts';
import { rotateInPlace } from '../kernels/rope/rope.ts';
import { linearLayer, linearLayerGrad } from './linearLayer.ts';
import { norm, normGrad } from './norm.ts';
import type { LanguageModel, LayerParams } from './params.ts';
import { type Differentiable, notDifferentiable, type Pass } from './pass.ts';

/** Rotates queries and keys where positions are rotations. @param qkv rewritten */
function rotate(lm: LanguageModel, qkv: tf.Tensor, { positions }: Pass, direction: 1 | -1): void {
  if (!lm.rope) return;
  const { numAttentionHeads: H, numKeyValueHeads: G, headDim } = lm.config;
  rotateInPlace(qkv, { ...lm.rope, positions, heads: H + G, headDim, rotaryDim: headDim }, direction);
}

function sizesOf({ config }: LanguageModel, { B, T }: Pass): FusedSizes {
  return { B, T, H: config.numAttentionHeads, G: config.numKeyValueHeads, K: config.headDim, scale: 1 / Math.sqrt(config.headDim), window: null };
}

/** For generation: keys and values go into the cache and, unless these are prompts, come from it. @returns [R, H · K], owned by the caller */
function attendToCache(qkv: tf.Tensor, kvCache: NonNullable<Pass['kvCache']>, index: number, { start, cacheRows }: Pass, sizes: FusedSizes): tf.Tensor {
  const keys = kvCache.keys[index] as tf.Tensor;
  const values = kvCache.values[index] as tf.Tensor;
  if (cacheRows) {
    appendKv(qkv, keys, values, kvCache.length - sizes.T, sizes, cacheRows);
    const { out, logSumExp } = attentionFused(qkv, start, sizes);
    logSumExp.dispose();
    return out;
  }
  appendKv(qkv, keys, values, kvCache.length, sizes);
  return cachedAttention(qkv, keys, values, start, kvCache.length, sizes);
}

/** @param x [R, C], borrowed until `backward` was called */
export function attentionLayer(lm: LanguageModel, index: number, x: tf.Tensor, pass: Pass): Differentiable {
  const layer = lm.layers[index] as LayerParams;
  const sizes = sizesOf(lm, pass);
  const { gradients, kvCache, start } = pass;
  const normed = norm(lm, layer.attentionNorm, x);
  const qkv = linearLayer(lm, layer.qkv, normed);
  rotate(lm, qkv, pass, 1);
  if (kvCache) {
    const mixed = attendToCache(qkv, kvCache, index, pass, sizes);
    const y = linearLayer(lm, layer.attentionOutput, mixed, x);
    tf.dispose([normed, qkv, mixed]);
    return { y, backward: notDifferentiable };
  }
  const { out, logSumExp } = attentionFused(qkv, start, sizes);
  const y = linearLayer(lm, layer.attentionOutput, out, x);
  if (!gradients) {
    tf.dispose([normed, qkv, out, logSumExp]);
    return { y, backward: notDifferentiable };
  }
  return {
    y,
    backward: (gradY) => {
      const gradOut = linearLayerGrad(lm, layer.attentionOutput, out, gradY, gradients);
      const gradQkv = attentionFusedGrad({ qkv, start, out, logSumExp, gradOut }, sizes);
      tf.dispose([qkv, out, logSumExp, gradOut]);
      rotate(lm, gradQkv, pass, -1);
      const gradNormed = linearLayerGrad(lm, layer.qkv, normed, gradQkv, gradients);
      const gradX = normGrad(lm, layer.attentionNorm, x, gradNormed, gradY, gradients);
      tf.dispose([normed, gradQkv, gradNormed, gradY]);
      return gradX;
    },
  };
}
