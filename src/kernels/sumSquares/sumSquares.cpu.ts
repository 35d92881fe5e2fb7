/** CPU twin of sumSquares. */
import type { Floats } from '../floats.ts';

/** Σ x², accumulated in float64. */
export function sumSquares(x: Floats): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return sum;
}
