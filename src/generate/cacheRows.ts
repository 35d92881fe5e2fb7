/** How many rows decode together: as many as asked for, unless their KV cache would take too much memory. Not for the cache (lm/kvCache.ts). */
import { kvCacheBytes } from '../config/fitBytes.ts';
import type { LmConfig } from '../config/lm.ts';

/** A cache takes no more than this beside weights and a run's state; further rows wait until others end, which changes no text. */
export const MOST_CACHE_BYTES = 2 ** 29;

/** @param asked rows @param slots of each @returns at least one */
export function rowsOfCache(config: LmConfig, asked: number, slots: number): number {
  return Math.max(1, Math.min(asked, Math.floor(MOST_CACHE_BYTES / kvCacheBytes(config, 1, slots))));
}
