/**
 * Keys and values of the tokens so far, in buffers of fixed size that are written in place: decoding allocates nothing that grows.
 * Not differentiable: for generation only.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';

/** Owns its tensors until `dispose`. All rows have the same length; short rows are padded on the left. */
export interface KvCache {
  /** One [B, S, G, K] per layer; replaced by `dropSlots`. */
  keys: readonly tf.Tensor[];
  values: readonly tf.Tensor[];
  readonly batchSize: number;
  /** Slots a row: S. */
  readonly capacity: number;
  /** Slots written so far. Advanced by `forward`. */
  length: number;
  /** First real slot of each row: what lies left of it is padding. */
  readonly startSlots: Int32Array;
  /** The same as int32 [B]; replaced when they change. */
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
    dispose: () => tf.dispose([...cache.keys, ...cache.values, cache.start]),
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

function changeStarts(cache: KvCache, startOf: (slot: number, row: number) => number): void {
  cache.startSlots.forEach((slot, row) => (cache.startSlots[row] = startOf(slot, row)));
  cache.start.dispose();
  cache.start = tf.tensor1d(cache.startSlots.slice(), 'int32');
}

/**
 * Empties rows that are finished but still part of the batch: from now on they start at the next slot, so that they
 * attend to almost nothing and never run out of positions.
 * @param cache changed @param rows indices into its batch
 */
export function retireRows(cache: KvCache, rows: readonly number[]): void {
  const retired = new Set(rows);
  changeStarts(cache, (slot, row) => (retired.has(row) ? cache.length : slot));
}

/**
 * Gives rows to new prompts, which end at the slot before the next one; `forward` with `cacheRows` then fills them.
 * @param cache changed @param rows indices into its batch @param promptLengths tokens of each
 * @throws EngineError bad-argument if fewer slots were used so far than a prompt has tokens
 */
export function admitRows(cache: KvCache, rows: readonly number[], promptLengths: readonly number[]): void {
  const lengths = new Map(rows.map((row, i) => [row, promptLengths[i] as number]));
  if (promptLengths.some((length) => length > cache.length)) throw new EngineError('bad-argument', `KV cache: prompts of ${promptLengths} tokens do not fit before slot ${cache.length}.`);
  changeStarts(cache, (slot, row) => (lengths.has(row) ? cache.length - lengths.get(row)! : slot));
}

/**
 * Drops the first slots of all rows to make room at the end; rows that began there lose what they held.
 * @param cache changed @param count slots to drop, at most `length`
 */
export function dropSlots(cache: KvCache, count: number): void {
  const shifted = (tensor: tf.Tensor): tf.Tensor => {
    const moved = tf.tidy(() => tf.pad(tf.slice(tensor, [0, count, 0, 0]), [[0, 0], [0, count], [0, 0], [0, 0]]));
    tensor.dispose();
    return moved;
  };
  cache.keys = cache.keys.map(shifted);
  cache.values = cache.values.map(shifted);
  cache.length -= count;
  changeStarts(cache, (slot) => Math.max(0, slot - count));
}
