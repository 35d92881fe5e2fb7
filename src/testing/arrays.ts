/** Random arrays for tests, the same on every run, and float64 gradients by central differences. */
import { Rng } from '../base/rng.ts';
import { assertAllClose } from './allclose.ts';
import { centralDifference } from './tolerances.ts';

/** Standard normal values times `scale`. */
export function randomFloats(size: number, seed: number, scale = 1): Float32Array {
  const rng = new Rng(seed);
  return Float32Array.from({ length: size }, () => rng.normal() * scale);
}

/** The same values in float64. */
export function randomDoubles(size: number, seed: number, scale = 1): Float64Array {
  const rng = new Rng(seed);
  return Float64Array.from({ length: size }, () => rng.normal() * scale);
}

/** Whole numbers from 0 to limit − 1. */
export function randomInts(size: number, limit: number, seed: number): Int32Array {
  const rng = new Rng(seed);
  return Int32Array.from({ length: size }, () => rng.int(limit));
}

/** Σ a·b */
export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/**
 * Checks an analytic gradient of a scalar function against central differences, value by value.
 * @param f    the function; called with `at` slightly changed in place
 * @param at   the point, float64; restored afterwards
 */
export function assertGradient(f: () => number, at: Float64Array, gradient: Float64Array, what: string): void {
  const step = 1e-5;
  const measured = new Float64Array(at.length);
  for (let i = 0; i < at.length; i++) {
    const original = at[i] as number;
    at[i] = original + step;
    const above = f();
    at[i] = original - step;
    const below = f();
    at[i] = original;
    measured[i] = (above - below) / (2 * step);
  }
  assertAllClose(gradient, measured, centralDifference, what);
}
