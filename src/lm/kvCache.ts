/**
 * Keys and values of the tokens so far, in buffers of fixed size that are written in place: decoding allocates nothing that grows.
 * Not differentiable: for generation only.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';

/** Owns its tensors until `dispose`. All rows have the same length; short rows are padded on the left. */
export interface KvCache {
  /** One [B, S, G, K] per layer. */
  readonly keys: readonly tf.Tensor[];
  readonly values: readonly tf.Tensor[];
  readonly batchSize: number;
  /** Slots a row: S. */
  readonly capacity: number;
  /** Slots written so far. Advanced by `forward`. */
  length: number;
  /** First real slot of each row: what lies left of it is padding. */
  readonly startSlots: Int32Array;
  /** The same as int32 [B]; replaced by `retireRows`. */
  start: tf.Tensor;
  dispose(): void;
}

function assemble(batchSize: number, capacity: number, length: number, startSlots: Int32Array, makeTensor: (layer: number, of: 'keys' | 'values') => tf.Tensor, layers: number): KvCache {
  const indices = Array.from({ length: layers }, (_, layer) => layer);
  const keys = indices.map((layer) => makeTensor(layer, 'keys'));
  const values = indices.map((layer) => makeTensor(layer, 'values'));
  const cache: KvCache = {
    keys,
    values,
    batchSize,
    capacity,
    length,
    startSlots,
    start: tf.tensor1d(startSlots.slice(), 'int32'),
    dispose: () => tf.dispose([...keys, ...values, cache.start]),
  };
  return cache;
}

/**
 * @param batchSize B @param capacity S, prompt and new tokens together
 * @param start first real slot of each row (left padding); 0 if left out. Borrowed
 * @returns owned by the caller
 * @throws EngineError bad-argument if `start` does not fit
 */
export function createKvCache(config: LmConfig, batchSize: number, capacity: number, start?: ArrayLike<number>): KvCache {
  const startSlots = start ? Int32Array.from(start) : new Int32Array(batchSize);
  if (startSlots.length !== batchSize || startSlots.some((slot) => slot < 0 || slot >= capacity))
    throw new EngineError('bad-argument', `KV cache: start must name a slot in 0..${capacity - 1} for each of ${batchSize} rows.`);
  const shape: [number, number, number, number] = [batchSize, capacity, config.numKeyValueHeads, config.headDim];
  return assemble(batchSize, capacity, 0, startSlots, () => tf.fill(shape, 0), config.numHiddenLayers);
}

/**
 * The cache of some of the rows, so that finished ones cost nothing any more.
 * @param cache borrowed; dispose it when no longer needed @param rows indices into its batch
 * @returns owned by the caller, same length and capacity
 */
export function selectRows(cache: KvCache, rows: readonly number[]): KvCache {
  const indices = tf.tensor1d(rows as number[], 'int32');
  const startSlots = Int32Array.from(rows, (row) => cache.startSlots[row] as number);
  const selected = assemble(rows.length, cache.capacity, cache.length, startSlots, (layer, of) => tf.gather(cache[of][layer] as tf.Tensor, indices), cache.keys.length);
  indices.dispose();
  return selected;
}

/**
 * Empties rows that are finished but still part of the batch: from now on they start at the next slot, so that they
 * attend to almost nothing and never run out of positions.
 * @param cache changed @param rows indices into its batch
 */
export function retireRows(cache: KvCache, rows: readonly number[]): void {
  for (const row of rows) cache.startSlots[row] = cache.length;
  cache.start.dispose();
  cache.start = tf.tensor1d(cache.startSlots.slice(), 'int32');
}
