/** CPU twin of gelu, exact and in the tanh form, right in float64 too. */
import type { Floats } from '../floats.ts';

/** 'none' is x·Φ(x) with the error function, 'tanh' GPT-2's approximation of it; PyTorch's names. */
export type GeluApproximation = 'none' | 'tanh';

const rootTwoOverPi = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

/** The error function in float64, to about 1e-15: erf(x) = 2/√π · e^(−x²) · Σ 2^n x^(2n+1) / (2n+1)!!, whose terms are all of one sign. */
export function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Math.abs(sum) * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** The share of x that gelu lets through: Φ(x), or its approximation (1 + tanh(√(2/π)·(x + 0.044715x³))) / 2. */
function share(x: number, approximate: GeluApproximation): number {
  return approximate === 'none' ? 0.5 * (1 + erf(x * Math.SQRT1_2)) : 0.5 * (1 + Math.tanh(rootTwoOverPi * (x + cubic * x ** 3)));
}

/** gelu of one value. */
export const geluOf = (x: number, approximate: GeluApproximation): number => x * share(x, approximate);

/** gelu'(x) */
export function geluSlope(x: number, approximate: GeluApproximation): number {
  const s = share(x, approximate);
  const density = approximate === 'none' ? Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI) : 2 * s * (1 - s) * rootTwoOverPi * (1 + 3 * cubic * x * x);
  return s + x * density;
}

/** y = gelu(x), value by value. */
export function geluForward(x: Floats, y: Floats, approximate: GeluApproximation): void {
  for (let i = 0; i < x.length; i++) y[i] = geluOf(x[i]!, approximate);
}

/** gradX = gradY · gelu'(x); overwritten. */
export function geluBackward(x: Floats, gradY: Floats, gradX: Floats, approximate: GeluApproximation): void {
  for (let i = 0; i < x.length; i++) gradX[i] = gradY[i]! * geluSlope(x[i]!, approximate);
}
