/**
 * CPU twin of dropout. The mask is a hash of seed and index (the 32-bit finaliser "lowbias32" of Chris Wellons' hash prospector, over a
 * counter), so that it is the same on every backend and every time it is asked for; nothing is kept between two calls.
 */
import type { Floats } from '../floats.ts';

export interface DropoutSettings {
  /** Share of the values that become 0, in [0, 1). */
  p: number;
  /** 32 bits. */
  seed: number;
}

/** Steps between the counters of neighbouring values: 2^32 / golden ratio, odd. */
export const COUNTER_STEP = 0x9e3779b1;

function mix(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** What the counters are combined with: neighbouring seeds must not give similar masks. */
export const mixSeed = (seed: number): number => mix((seed + COUNTER_STEP) | 0);

/** 32 random bits of the value at `index`. @param mixed of mixSeed */
export const dropoutBits = (mixed: number, index: number): number => mix(Math.imul(index, COUNTER_STEP) ^ mixed);

/** Values whose 24 upper bits are below this are dropped; 24 bits, as WGSL's f32 and every integer type hold them exactly. */
export const dropThreshold = (p: number): number => Math.round(p * 2 ** 24);

/** What the others are multiplied with, rounded to float32. */
export const keepScale = (p: number): number => Math.fround(1 / (1 - p));

/** y = x · mask / (1 − p) */
export function dropoutForward(x: Floats, y: Floats, { p, seed }: DropoutSettings): void {
  const [mixed, threshold, scale] = [mixSeed(seed), dropThreshold(p), keepScale(p)];
  for (let i = 0; i < x.length; i++) y[i] = dropoutBits(mixed, i) >>> 8 < threshold ? 0 : x[i]! * scale;
}
