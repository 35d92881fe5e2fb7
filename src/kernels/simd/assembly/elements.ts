// Kernels over single values: AdamW and the sum of squares, as in their CPU twins. Chunks share the vectors of four. A ragged end of fewer
// than four values is computed as a whole vector, so that every value goes through the same arithmetic.
import { chunkStart, multiplyAdd } from './vector';

@inline
export function loadPart(from: usize, count: i32): v128 {
  let v = f32x4.splat(0);
  v = f32x4.replace_lane(v, 0, load<f32>(from));
  if (count > 1) v = f32x4.replace_lane(v, 1, load<f32>(from, 4));
  if (count > 2) v = f32x4.replace_lane(v, 2, load<f32>(from, 8));
  return v;
}

@inline
export function storePart(to: usize, v: v128, count: i32): void {
  store<f32>(to, f32x4.extract_lane(v, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(v, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(v, 2), 8);
}

/** One AdamW step on n values; keep = 1 − lr·decay, stepSize = lr / (1 − β1^step), rootFactor = 1 / sqrt(1 − β2^step). */
export function adamW(chunk: i32, chunks: i32, n: i32, param: usize, grad: usize, m: usize, v: usize, gradScale: f32, keep: f32, beta1: f32, beta2: f32, rest1: f32, rest2: f32, stepSize: f32, rootFactor: f32, epsilon: f32): void {
  const whole = n & ~3;
  const vectors = (n + 3) >> 2;
  const end = chunkStart(vectors, chunk + 1, chunks) << 2;
  for (let i = chunkStart(vectors, chunk, chunks) << 2; i < end; i += 4) {
    const o: usize = <usize>i * 4;
    const part = i < whole ? 4 : n - whole;
    const g = f32x4.mul(part == 4 ? v128.load(grad + o) : loadPart(grad + o, part), f32x4.splat(gradScale));
    const first = multiplyAdd(f32x4.splat(beta1), part == 4 ? v128.load(m + o) : loadPart(m + o, part), f32x4.mul(f32x4.splat(rest1), g));
    const second = multiplyAdd(f32x4.splat(beta2), part == 4 ? v128.load(v + o) : loadPart(v + o, part), f32x4.mul(f32x4.mul(f32x4.splat(rest2), g), g));
    const root = multiplyAdd(f32x4.sqrt(second), f32x4.splat(rootFactor), f32x4.splat(epsilon));
    const p = part == 4 ? v128.load(param + o) : loadPart(param + o, part);
    const moved = f32x4.sub(f32x4.mul(p, f32x4.splat(keep)), f32x4.div(f32x4.mul(f32x4.splat(stepSize), first), root));
    if (part == 4) {
      v128.store(m + o, first);
      v128.store(v + o, second);
      v128.store(param + o, moved);
      v128.store(grad + o, f32x4.splat(0));
    } else {
      storePart(m + o, first, part);
      storePart(v + o, second, part);
      storePart(param + o, moved, part);
      storePart(grad + o, f32x4.splat(0), part);
    }
  }
}

/** Values in one partial sum of squares: fixed, so that the sum does not depend on the number of chunks. */
const sumBlock: i32 = 4096;

/** partials[i] = Σ x² over the i-th 4096 values, in float64 (ceil(n / 4096) of them). */
export function sumSquares(chunk: i32, chunks: i32, n: i32, x: usize, partials: usize): void {
  const blocks = (n + sumBlock - 1) / sumBlock;
  const last = chunkStart(blocks, chunk + 1, chunks);
  for (let block = chunkStart(blocks, chunk, chunks); block < last; block++) {
    const first = block * sumBlock;
    const end = min(n, first + sumBlock);
    const whole = end & ~3;
    let low = f64x2.splat(0);
    let high = f64x2.splat(0);
    for (let i = first; i < whole; i += 4) {
      const v = v128.load(x + <usize>i * 4);
      const a = f64x2.promote_low_f32x4(v);
      const b = f64x2.promote_low_f32x4(v128.shuffle<f32>(v, v, 2, 3, 0, 1));
      low = f64x2.add(low, f64x2.mul(a, a));
      high = f64x2.add(high, f64x2.mul(b, b));
    }
    const both = f64x2.add(low, high);
    let sum = f64x2.extract_lane(both, 0) + f64x2.extract_lane(both, 1);
    for (let i = whole; i < end; i++) {
      const value = <f64>load<f32>(x + <usize>i * 4);
      sum += value * value;
    }
    store<f64>(partials + <usize>block * 8, sum);
  }
}
