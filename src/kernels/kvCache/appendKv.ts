/** Writes the keys and values of fused rows into a static cache, so that decoding allocates nothing. Not differentiable. */
import type * as tf from '@tensorflow/tfjs-core';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertTensor } from '../assertShape.ts';
import { rowWidth, writeKeysAndValues } from '../attention/attentionFused.cpu.ts';
import { attributesOf, type FusedSizes, sizesFrom } from '../attention/attentionFused.ts';
import { assertCache } from '../attention/cachedAttention.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { appendKvProgram } from './appendKv.webgpu.ts';

const append: KernelSpec = {
  name: 'SidestepAppendKv',
  inPlace: ['keys', 'values'],
  outputs: () => [],
  host: ({ qkv, keys, values, rows }, attributes) =>
    writeKeysAndValues(qkv!.f32, keys!.f32, values!.f32, attributes.pastLength as number, keys!.shape[1]!, sizesFrom(attributes), rows?.i32),
  wasm: (simd, { qkv, keys, values, rows }, attributes) => {
    const { B, T, H, G, K } = sizesFrom(attributes);
    simd.run('appendKv', 1, B, T, keys!.shape[1]!, H, G, K, attributes.pastLength as number, qkv!.at, keys!.at, values!.at, rows?.at ?? 0);
  },
  webgpu: ({ qkv, keys, values, rows }, attributes) => [appendKvProgram({ qkv: qkv!, keys: keys!, values: values!, rows }, attributes.pastLength as number, keys!.shape[1]!, sizesFrom(attributes))],
};

export const appendKvSpecs = [append];

/**
 * keys[r, pastLength + t] and values[r, pastLength + t] become the keys and values of row (b, t), in place; r is rows[b], or b
 * @param qkv    [B·T, (H + 2G)·K] float32, borrowed
 * @param keys   [≥ B, S, G, K] float32, owned by the caller alone; rewritten  @param values as keys
 * @param rows   [B] int32, borrowed: distinct rows of the cache, which the caller has checked
 * @throws EngineError bad-shape, bad-argument if the positions do not fit or the cache's storage is shared
 */
export function appendKv(qkv: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, pastLength: number, sizes: FusedSizes, rows?: tf.Tensor): void {
  assertTensor('appendKv', 'qkv', qkv, [sizes.B * sizes.T, rowWidth(sizes)]);
  assertCache('appendKv', keys, values, pastLength, sizes);
  if (rows) assertTensor('appendKv', 'rows', rows, [sizes.B], 'int32');
  assertSoleOwner('appendKv', 'keys', keys);
  assertSoleOwner('appendKv', 'values', values);
  runKernel(append.name, { qkv, keys, values, ...(rows ? { rows } : {}) }, { ...attributesOf(sizes), pastLength });
}
