/** x + attention(norm(x)): the first half of a block; with norms of queries and keys, and of the result, where the LM has them. */
import * as tf from '@tensorflow/tfjs-core';
import { attentionFused, attentionFusedGrad, type FusedSizes } from '../kernels/attention/attentionFused.ts';
import { cachedAttention } from '../kernels/attention/cachedAttention.ts';
import { headNorm, headNormGrad, type HeadNormSizes } from '../kernels/headNorm/headNorm.ts';
import { appendKv } from '../kernels/kvCache/appendKv.ts';
import { rotateInPlace } from '../kernels/rope/rope.ts';
import { linearLayer, linearLayerGrad } from './linearLayer.ts';
import { norm, normGrad } from './norm.ts';
import { outputLayer } from './outputLayer.ts';
import type { LanguageModel, LayerParams } from './params.ts';
import { type Differentiable, gradientOf, notDifferentiable, type Pass } from './pass.ts';

/** Rotates queries and keys where positions are rotations. @param qkv rewritten */
function rotate(lm: LanguageModel, index: number, qkv: tf.Tensor, { positions }: Pass, direction: 1 | -1): void {
  if (!lm.ropes) return;
  const { numAttentionHeads: H, numKeyValueHeads: G, headDim, layerTypes } = lm.config;
  rotateInPlace(qkv, { ...lm.ropes.of(layerTypes[index]!), positions, heads: H + G, headDim }, direction);
}

function sizesOf({ config }: LanguageModel, index: number, { B, T }: Pass): FusedSizes {
  const window = config.layerTypes[index] === 'sliding_attention' ? config.slidingWindow : null;
  return { B, T, H: config.numAttentionHeads, G: config.numKeyValueHeads, K: config.headDim, scale: config.attentionScale, window };
}

const headNormSizes = ({ config }: LanguageModel): HeadNormSizes => ({ H: config.numAttentionHeads, G: config.numKeyValueHeads, K: config.headDim, eps: config.normEps });

/** @param qkv borrowed @returns queries and keys normalised head by head, owned by the caller; `qkv` itself where the LM has no such norms */
function normHeads(lm: LanguageModel, { queryNorm, keyNorm }: LayerParams, qkv: tf.Tensor): tf.Tensor {
  return queryNorm && keyNorm ? headNorm(qkv, queryNorm.gain, keyNorm.gain, headNormSizes(lm)) : qkv;
}

/** @param gradHeads of what normHeads gave, consumed @param gradients of the parameters, added to @returns gradient with respect to qkv, owned by the caller */
function normHeadsGrad(lm: LanguageModel, { queryNorm, keyNorm }: LayerParams, qkv: tf.Tensor, gradHeads: tf.Tensor, gradients: tf.Tensor): tf.Tensor {
  if (!queryNorm || !keyNorm) return gradHeads;
  const gradGains = { gradGainQ: gradientOf(lm, queryNorm.gain, gradients), gradGainK: gradientOf(lm, keyNorm.gain, gradients) };
  const gradQkv = headNormGrad({ qkv, gainQ: queryNorm.gain, gainK: keyNorm.gain, gradOut: gradHeads, ...gradGains }, headNormSizes(lm));
  gradHeads.dispose();
  return gradQkv;
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
  const sizes = sizesOf(lm, index, pass);
  const { gradients, kvCache, start } = pass;
  const output = { linear: layer.attentionOutput, norm: layer.postAttentionNorm };
  const normed = norm(lm, layer.attentionNorm, x);
  const qkv = linearLayer(lm, layer.qkv, normed);
  const heads = normHeads(lm, layer, qkv);
  rotate(lm, index, heads, pass, 1);
  if (kvCache) {
    const mixed = attendToCache(heads, kvCache, index, pass, sizes);
    const { y } = outputLayer(lm, output, mixed, x, null);
    tf.dispose([normed, qkv, heads, mixed]);
    return { y, backward: notDifferentiable };
  }
  const { out, logSumExp } = attentionFused(heads, start, sizes);
  const projected = outputLayer(lm, output, out, x, gradients);
  if (!gradients) {
    tf.dispose([normed, qkv, heads, out, logSumExp]);
    return projected;
  }
  return {
    y: projected.y,
    backward: (gradY) => {
      const gradOut = projected.backward(gradY);
      const gradHeads = attentionFusedGrad({ qkv: heads, start, out, logSumExp, gradOut }, sizes);
      if (heads !== qkv) heads.dispose();
      tf.dispose([out, logSumExp, gradOut]);
      rotate(lm, index, gradHeads, pass, -1);
      const gradQkv = normHeadsGrad(lm, layer, qkv, gradHeads, gradients);
      const gradNormed = linearLayerGrad(lm, layer.qkv, normed, gradQkv, gradients);
      const gradX = normGrad(lm, layer.attentionNorm, x, gradNormed, gradY, gradients);
      tf.dispose([normed, qkv, gradQkv, gradNormed, gradY]);
      return gradX;
    },
  };
}
