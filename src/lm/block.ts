/**
 * One layer of the llama family: attention and SwiGLU, each behind an RMSNorm, each added to its input.
 * Not for embeddings and head (forward.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LmConfig } from '../config/lm.ts';
import { causalAttention } from '../kernels/attention/attention.ts';
import { writeKvCache } from '../kernels/kvCache/kvCache.ts';
import { linear } from '../kernels/matMul/matMul.ts';
import { rmsNorm } from '../kernels/rmsNorm/rmsNorm.ts';
import { rope } from '../kernels/rope/rope.ts';
import { swiGlu } from '../kernels/swiGlu/swiGlu.ts';
import type { KvCache } from './kvCache.ts';
import type { LanguageModel, LayerParams } from './params.ts';

/** Where the tokens of a forward pass stand; shared by all layers. Borrowed. */
export interface Placement {
  /** [B, T] int32, for RoPE: counts from each row's first real token. */
  positions: tf.Tensor;
  /** [B] int32: first real slot of each row. */
  start: tf.Tensor;
  kvCache: KvCache | null;
}

function attention(lm: LanguageModel, layer: LayerParams, index: number, x: tf.Tensor, placement: Placement): tf.Tensor {
  const { numAttentionHeads: H, numKeyValueHeads: G, headDim: K }: LmConfig = lm.config;
  const [B, T] = x.shape as [number, number, number];
  const { positions, start, kvCache } = placement;
  const q = rope(tf.reshape(linear(x, layer.qProj), [B, T, H, K]), lm.ropeCos, lm.ropeSin, positions);
  const k = rope(tf.reshape(linear(x, layer.kProj), [B, T, G, K]), lm.ropeCos, lm.ropeSin, positions);
  const v = tf.reshape(linear(x, layer.vProj), [B, T, G, K]);
  let mixed: tf.Tensor;
  if (kvCache) {
    const keys = kvCache.keys[index] as tf.Tensor;
    const values = kvCache.values[index] as tf.Tensor;
    writeKvCache(keys, k, kvCache.length);
    writeKvCache(values, v, kvCache.length);
    mixed = causalAttention(q, keys, values, { pastLength: kvCache.length, start });
  } else mixed = causalAttention(q, k, v, { pastLength: 0, start });
  return linear(tf.reshape(mixed, [B, T, H * K]), layer.oProj);
}

/**
 * @param index which layer
 * @param x     [B, T, C] float32, borrowed
 * @returns     [B, T, C] float32, owned by the caller
 */
export function block(lm: LanguageModel, index: number, x: tf.Tensor, placement: Placement): tf.Tensor {
  const layer = lm.layers[index] as LayerParams;
  const { rmsNormEps } = lm.config;
  return tf.tidy(() => {
    const attended = tf.add(x, attention(lm, layer, index, rmsNorm(x, layer.inputNorm, rmsNormEps), placement));
    const normed = rmsNorm(attended, layer.postAttentionNorm, rmsNormEps);
    return tf.add(attended, linear(swiGlu(linear(normed, layer.gateProj), linear(normed, layer.upProj)), layer.downProj));
  });
}
