// Four-lane helpers shared by the kernels. RELAXED is set by scripts/buildWasm.mjs, which builds this folder once with and once
// without relaxed SIMD (fused multiply-add where the machine has it).
import { RELAXED } from './build';

/** a·b + c; one rounding in the relaxed build on machines with FMA, two otherwise. */
@inline
export function multiplyAdd(a: v128, b: v128, c: v128): v128 {
  if (RELAXED) return f32x4.relaxed_madd(a, b, c);
  return f32x4.add(f32x4.mul(a, b), c);
}

@inline
export function sumLanes(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}
