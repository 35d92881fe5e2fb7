// Four-lane helpers shared by the kernels. RELAXED is set by scripts/buildWasm.mjs, which builds this folder once with and once
// without relaxed SIMD (fused multiply-add where the machine has it).
import { RELAXED } from './build';

/** a·b + c; one rounding in the relaxed build on machines with FMA, two otherwise. */
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (RELAXED) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

/** First of `count` units that chunk `chunk` of `chunks` works on; it ends where the next chunk starts. */
@inline
export function chunkStart(count: i32, chunk: i32, chunks: i32): i32 {
  return <i32>((<i64>count * <i64>chunk) / <i64>chunks);
}

@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

@inline
export function maxLanes(v: v128): f32 {
  return max(max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

/** Lane sums of four vectors, as one vector. */
@inline
export function sumLanes4(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 1, 4, 5), v128.shuffle<f32>(a, b, 2, 3, 6, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 1, 4, 5), v128.shuffle<f32>(c, d, 2, 3, 6, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 2, 4, 6), v128.shuffle<f32>(ab, cd, 1, 3, 5, 7));
}

/** Dot product of n floats. */
export function dot(a: usize, b: usize, n: i32): f32 {
  let sums = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    sums = multiplyAdd(v128.load(a), v128.load(b), sums);
    a += 16;
    b += 16;
  }
  let sum = sumLanes(sums);
  for (; i < n; i++) {
    sum += load<f32>(a) * load<f32>(b);
    a += 4;
    b += 4;
  }
  return sum;
}

/** to[i] += scale · from[i] for n floats. */
export function addScaled(to: usize, from: usize, scale: f32, n: i32): void {
  const factor = f32x4.splat(scale);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    v128.store(to, multiplyAdd(factor, v128.load(from), v128.load(to)));
    to += 16;
    from += 16;
  }
  for (; i < n; i++) {
    store<f32>(to, load<f32>(to) + scale * load<f32>(from));
    to += 4;
    from += 4;
  }
}
