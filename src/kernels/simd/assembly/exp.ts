// exp of four floats: x = n·ln 2 + r, a polynomial of degree 6 in r, then n added to the exponent bits. About 1 ulp on [-87, 88];
// arguments outside are clamped, so that results are never 0, infinite or NaN for finite arguments.
import { multiplyAdd } from './vector';

@inline
export function exp4(argument: v128): v128 {
  // pmin and pmax are one instruction on x64, min and max several.
  const x = f32x4.pmin(f32x4.pmax(argument, f32x4.splat(-87)), f32x4.splat(88));
  // Adding 1.5·2^23 rounds to a whole number and leaves it in the low bits.
  const shifted = multiplyAdd(x, f32x4.splat(1.44269504), f32x4.splat(12582912));
  const n = f32x4.sub(shifted, f32x4.splat(12582912));
  // ln 2 in two parts: the first has few bits, so that n times it is exact.
  let r = multiplyAdd(n, f32x4.splat(-0.693359375), x);
  r = multiplyAdd(n, f32x4.splat(2.12194440e-4), r);
  let p = multiplyAdd(f32x4.splat(1.3888889e-3), r, f32x4.splat(8.3333333e-3));
  p = multiplyAdd(p, r, f32x4.splat(4.1666667e-2));
  p = multiplyAdd(p, r, f32x4.splat(1.6666667e-1));
  p = multiplyAdd(p, r, f32x4.splat(0.5));
  p = multiplyAdd(p, f32x4.mul(r, r), r);
  p = f32x4.add(p, f32x4.splat(1));
  return i32x4.add(p, i32x4.shl(shifted, 23));
}

/** exp of one float, with the same result as in a vector. */
@inline
export function exp1(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** 1 / (1 + exp(-x)) of four floats. */
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))));
}
