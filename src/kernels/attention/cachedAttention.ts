/** Causal attention of fused rows over a static cache of keys and values: decoding. Not differentiable. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { cachedAttentionForward } from './attentionFused.cpu.ts';
import { assertFusedRows, attributesOf, type FusedSizes, sizesFrom } from './attentionFused.ts';
import { cachedAttentionProgram } from './cachedAttention.webgpu.ts';
import { simdCachedAttention } from './simdAttention.ts';

const forward: KernelSpec<'qkv' | 'keys' | 'values' | 'start'> = {
  name: 'SidestepCachedAttention',
  outputs: (_inputs, attributes) => {
    const { B, T, H, K } = sizesFrom(attributes);
    return [{ shape: [B * T, H * K], dtype: 'float32' }];
  },
  host: ({ qkv, keys, values, start }, attributes, [out]) =>
    cachedAttentionForward(qkv.f32, keys.f32, values.f32, start.i32, out!.f32, { ...sizesFrom(attributes), S: keys.shape[1]!, pastLength: attributes.pastLength as number }),
  wasm: (simd, { qkv, keys, values, start }, attributes, [out]) =>
    simdCachedAttention(simd, { qkv, keys, values, start, out: out! }, { ...sizesFrom(attributes), S: keys.shape[1]!, pastLength: attributes.pastLength as number }),
  webgpu: ({ qkv, keys, values, start }, attributes, [out]) => [
    cachedAttentionProgram({ qkv, keys, values, start, out: out! }, { ...sizesFrom(attributes), S: keys.shape[1]!, pastLength: attributes.pastLength as number }),
  ],
};

export const cachedAttentionSpecs = [forward];

/**
 * Checks the cache of one layer against fused rows that go to its slots pastLength .. pastLength + T − 1. The cache may hold more
 * rows than the batch: the first B are used.
 * @throws EngineError bad-shape, bad-argument
 */
export function assertCache(op: string, keys: tf.Tensor, values: tf.Tensor, pastLength: number, { B, T, G, K }: FusedSizes): void {
  assertTensor(op, 'keys', keys, [null, null, G, K]);
  assertTensor(op, 'values', values, keys.shape);
  const [rows, S] = keys.shape as [number, number];
  if (B > rows) throw new EngineError('bad-shape', `${op}: ${B} rows do not fit into a cache of ${rows}.`);
  if (!Number.isInteger(pastLength) || pastLength < 0 || pastLength + T > S)
    throw new EngineError('bad-argument', `${op}: ${T} positions after ${pastLength} do not fit into ${S} slots.`);
}

/**
 * out[b, t, h] = Σ_s softmax_s(scale · q·k) v over start[b] ≤ s ≤ pastLength + t (and s > pastLength + t − window), keys and values from the cache (appendKv first).
 * @param qkv    [B·T, (H + 2G)·K] float32, of which the queries are read. Borrowed
 * @param keys   [≥ B, S, G, K] float32, borrowed  @param values as keys
 * @param start  [B] int32, borrowed
 * @returns      [B·T, H·K], owned by the caller; zeros where a query has no slot to attend to
 * @throws EngineError bad-shape, bad-argument
 */
export function cachedAttention(qkv: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, start: tf.Tensor, pastLength: number, sizes: FusedSizes): tf.Tensor {
  assertFusedRows('cachedAttention', qkv, start, sizes);
  assertCache('cachedAttention', keys, values, pastLength, sizes);
  return runKernel(forward.name, { qkv, keys, values, start }, { ...attributesOf(sizes), pastLength })[0] as tf.Tensor;
}
