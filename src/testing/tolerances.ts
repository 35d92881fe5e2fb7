/** How far results may differ, and why. A test uses one of these or states its own reason. */
export interface Tolerance {
  rtol: number;
  atol: number;
  reason: string;
}

/** One float32 rounding or a few. */
export const elementwise: Tolerance = { rtol: 2e-6, atol: 1e-6, reason: 'a handful of float32 operations' };

/** Sums of up to a few thousand float32 products in another order. */
export const reduction: Tolerance = { rtol: 2e-5, atol: 2e-5, reason: 'float32 sums in another order' };

/** exp and log differ between implementations by a few units in the last place, then are summed. */
export const transcendental: Tolerance = { rtol: 5e-5, atol: 1e-5, reason: 'exp and log of another library, float32 sums in another order' };

/** Central differences in float64. */
export const centralDifference: Tolerance = { rtol: 1e-6, atol: 1e-8, reason: 'central differences with step 1e-5 in float64' };

/** A float32 sum of `terms` products of values around 1: one rounding a term at worst. */
export function sumOf(terms: number): Tolerance {
  return { rtol: 2e-5, atol: 5e-6 + 6e-8 * terms, reason: `float32 sum of ${terms} products` };
}
