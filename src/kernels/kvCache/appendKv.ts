/** Writes the keys and values of fused rows into a static cache, so that decoding allocates nothing. Not differentiable. */
import type * as tf from '@tensorflow/tfjs-core';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertTensor } from '../assertShape.ts';
import { rowWidth, writeKeysAndValues } from '../attention/attentionFused.cpu.ts';
import { type FusedSizes, sizesFrom } from '../attention/attentionFused.ts';
import { assertCache } from '../attention/cachedAttention.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { appendKvProgram } from './appendKv.webgpu.ts';

const append: KernelSpec<'qkv' | 'keys' | 'values'> = {
  name: 'SidestepAppendKv',
  inPlace: ['keys', 'values'],
  outputs: () => [],
  host: ({ qkv, keys, values }, attributes) => writeKeysAndValues(qkv.f32, keys.f32, values.f32, attributes.pastLength as number, keys.shape[1]!, sizesFrom(attributes)),
  webgpu: ({ qkv, keys, values }, attributes) => [appendKvProgram({ qkv, keys, values }, attributes.pastLength as number, keys.shape[1]!, sizesFrom(attributes))],
};

export const appendKvSpecs = [append];

/**
 * keys[b, pastLength + t] and values[b, pastLength + t] become the keys and values of row (b, t), in place
 * @param qkv    [B·T, (H + 2G)·K] float32, borrowed
 * @param keys   [≥ B, S, G, K] float32, owned by the caller alone; rewritten  @param values as keys
 * @throws EngineError bad-shape, bad-argument if the positions do not fit or the cache's storage is shared
 */
export function appendKv(qkv: tf.Tensor, keys: tf.Tensor, values: tf.Tensor, pastLength: number, sizes: FusedSizes): void {
  assertTensor('appendKv', 'qkv', qkv, [sizes.B * sizes.T, rowWidth(sizes)]);
  assertCache('appendKv', keys, values, pastLength, sizes);
  assertSoleOwner('appendKv', 'keys', keys);
  assertSoleOwner('appendKv', 'values', values);
  runKernel(append.name, { qkv, keys, values }, { ...sizes, pastLength });
}
