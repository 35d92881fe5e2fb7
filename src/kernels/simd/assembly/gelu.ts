// gelu as in gelu.cpu.ts. The tanh form is a sigmoid, (1 + tanh u) / 2 = 1 / (1 + exp(-2u)); the exact one uses Abramowitz & Stegun 7.1.26:
// half of a polynomial in t = 1 / (1 + p|x| / sqrt 2) times exp(-x^2 / 2), which the gradient needs as well.
import { loadPart, storePart } from './elements';
import { exp4, sigmoid4 } from './exp';
import { chunkStart, multiplyAdd } from './vector';

/** exp(-x^2 / 2), 0 where that is below 1e-37. */
@inline
export function bell4(x: v128): v128 {
  const argument = f32x4.mul(f32x4.mul(x, x), f32x4.splat(-0.5));
  return v128.and(exp4(argument), f32x4.gt(argument, f32x4.splat(-85)));
}

/** The share of x that passes, for the exact form. */
@inline
export function exactShare4(x: v128, bell: v128): v128 {
  const one = f32x4.splat(1);
  const t = f32x4.div(one, multiplyAdd(f32x4.abs(x), f32x4.splat(0.23164189), one));
  let p = multiplyAdd(f32x4.splat(0.5307027145), t, f32x4.splat(-0.7265760135));
  p = multiplyAdd(p, t, f32x4.splat(0.7107068705));
  p = multiplyAdd(p, t, f32x4.splat(-0.142248368));
  p = multiplyAdd(p, t, f32x4.splat(0.127414796));
  const tail = f32x4.mul(f32x4.mul(p, t), bell);
  return v128.bitselect(f32x4.sub(one, tail), tail, f32x4.gt(x, f32x4.splat(0)));
}

/** The share of x that passes, for the tanh form: sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)). */
@inline
export function tanhShare4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  const argument = f32x4.mul(x, multiplyAdd(square, f32x4.splat(0.07135481282), f32x4.splat(1.5957691216)));
  return v128.and(sigmoid4(argument), f32x4.gt(argument, f32x4.splat(-85)));
}

@inline
function gelu4(x: v128, exact: i32): v128 {
  return f32x4.mul(x, exact ? exactShare4(x, bell4(x)) : tanhShare4(x));
}

/** The slope where the share of x that passes is known. */
@inline
export function exactSlope4(x: v128, bell: v128, share: v128): v128 {
  return multiplyAdd(f32x4.mul(x, f32x4.splat(0.3989422804)), bell, share);
}

@inline
export function tanhSlope4(x: v128, s: v128): v128 {
  const inner = multiplyAdd(f32x4.mul(x, x), f32x4.splat(0.21406443846), f32x4.splat(1.5957691216));
  // s - s^2 is exactly 0 where s has rounded to 1, and x stays finite.
  return multiplyAdd(f32x4.mul(x, multiplyAdd(f32x4.neg(s), s, s)), inner, s);
}

@inline
function slope4(x: v128, exact: i32): v128 {
  if (exact) {
    const bell = bell4(x);
    return exactSlope4(x, bell, exactShare4(x, bell));
  }
  return tanhSlope4(x, tanhShare4(x));
}

/** y = gelu(x) for n values; exact is 1 or 0. */
export function gelu(chunk: i32, chunks: i32, n: i32, exact: i32, x: usize, y: usize): void {
  const vectors = n >> 2;
  const end: usize = <usize>chunkStart(vectors, chunk + 1, chunks) * 16;
  const begin: usize = <usize>chunkStart(vectors, chunk, chunks) * 16;
  if (exact) for (let o = begin; o < end; o += 16) v128.store(y + o, gelu4(v128.load(x + o), 1));
  else for (let o = begin; o < end; o += 16) v128.store(y + o, gelu4(v128.load(x + o), 0));
  const rest = n & 3;
  if (rest == 0 || chunk != 0) return;
  const o: usize = <usize>vectors * 16;
  storePart(y + o, gelu4(loadPart(x + o, rest), exact), rest);
}

/** gradX = gradY * gelu'(x) */
export function geluGrad(chunk: i32, chunks: i32, n: i32, exact: i32, x: usize, gradY: usize, gradX: usize): void {
  const vectors = n >> 2;
  const end: usize = <usize>chunkStart(vectors, chunk + 1, chunks) * 16;
  const begin: usize = <usize>chunkStart(vectors, chunk, chunks) * 16;
  if (exact) for (let o = begin; o < end; o += 16) v128.store(gradX + o, f32x4.mul(v128.load(gradY + o), slope4(v128.load(x + o), 1)));
  else for (let o = begin; o < end; o += 16) v128.store(gradX + o, f32x4.mul(v128.load(gradY + o), slope4(v128.load(x + o), 0)));
  const rest = n & 3;
  if (rest == 0 || chunk != 0) return;
  const o: usize = <usize>vectors * 16;
  storePart(gradX + o, f32x4.mul(loadPart(gradY + o, rest), slope4(loadPart(x + o, rest), exact)), rest);
}
