/** Writes new keys or values into a static cache, so that decoding allocates nothing. Not differentiable. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { writeSlots } from './kvCache.cpu.ts';
import { writeSlotsProgram } from './kvCache.webgpu.ts';

const write: KernelSpec<'cache' | 'rows'> = {
  name: 'SidestepWriteKvCache',
  inPlace: ['cache'],
  outputs: () => [],
  host: ({ cache, rows }, { position }) => writeSlots(cache.f32, rows.f32, cache.shape[0]!, position as number, cache.shape[2]! * cache.shape[3]!),
  webgpu: ({ cache, rows }, { position }) => [writeSlotsProgram(cache, rows, position as number)],
};

export const kvCacheSpecs = [write];

/**
 * cache[b, position + t] = rows[b, t], in place
 * @param cache    [B, S, G, K] float32, owned by the caller alone; rewritten
 * @param rows     [B, T, G, K] float32, borrowed
 * @param position first slot to write
 * @throws EngineError bad-shape, bad-argument if the rows do not fit or the cache's storage is shared
 */
export function writeKvCache(cache: tf.Tensor, rows: tf.Tensor, position: number): void {
  assertTensor('writeKvCache', 'cache', cache, [null, null, null, null]);
  const [B, S, G, K] = cache.shape as [number, number, number, number];
  assertTensor('writeKvCache', 'rows', rows, [B, null, G, K]);
  if (!Number.isInteger(position) || position < 0 || position + rows.shape[1]! > S)
    throw new EngineError('bad-argument', `writeKvCache: ${rows.shape[1]} rows at slot ${position} do not fit into ${S} slots.`);
  assertSoleOwner('writeKvCache', 'cache', cache);
  runKernel(write.name, { cache, rows }, { position });
}

export { cachedAttention } from '../attention/cachedAttention.ts';
export { appendKv } from './appendKv.ts';
