// Packed values (kernels/packed.ts): two of 16 bits to a word, decoded exactly. The numbers of the storages are those of simd/packed.ts.

/** float32, one value a word. */
export const F32: i32 = 0;
export const F16: i32 = 1;
export const BF16: i32 = 2;

@inline
export function bytesOf(storage: i32): usize {
  return storage == F32 ? 4 : 2;
}

/** Four values of half precision, each in the lower half of a lane: subnormals, infinities and NaN too, without denormal arithmetic. */
function anyHalves(halves: v128): v128 {
  const magnitude = v128.and(halves, i32x4.splat(0x7fff));
  const special = i32x4.gt_s(magnitude, i32x4.splat(0x7bff));
  // From an exponent of 1 on: 112 more; all ones: 224 more; below, multiples of 2^-24.
  const normal = i32x4.add(i32x4.add(i32x4.shl(magnitude, 13), i32x4.splat(0x38000000)), v128.and(special, i32x4.splat(0x38000000)));
  const small = f32x4.mul(f32x4.convert_i32x4_s(magnitude), f32x4.splat(5.9604644775390625e-8));
  const value = v128.bitselect(small, normal, i32x4.lt_s(magnitude, i32x4.splat(0x400)));
  return v128.or(value, i32x4.shl(v128.andnot(halves, i32x4.splat(0x7fff)), 16));
}

/** The value at `p`. */
@inline
export function loadOne(storage: i32, p: usize): f32 {
  if (storage == F16) return f32x4.extract_lane(anyHalves(i32x4.splat(<i32>load<u16>(p))), 0);
  if (storage == BF16) return reinterpret<f32>(<u32>load<u16>(p) << 16);
  return load<f32>(p);
}

/** The value at `p`, where the storage is not known when the loop is compiled. */
export function loadAny(storage: i32, p: usize): f32 {
  if (storage == F16) return loadOne(F16, p);
  return storage == BF16 ? loadOne(BF16, p) : loadOne(F32, p);
}

/** The four values from `p` on. */
@inline
export function loadFour(storage: i32, p: usize): v128 {
  if (storage == F16) return anyHalves(v128.load_ext<u16>(p));
  if (storage == BF16) return i32x4.shl(v128.load_ext<u16>(p), 16);
  return v128.load(p);
}

/** Four values of half precision, each in the upper half of a lane with nothing below; all neither subnormal nor zero, infinite or NaN. */
@inline
export function normalHalves(upper: v128): v128 {
  return i32x4.add(v128.and(i32x4.shr_s(upper, 3), i32x4.splat(0x8fffe000)), i32x4.splat(0x38000000));
}

/** Whether eight values of half precision are all of that kind: their exponents are neither 0 nor all ones. */
@inline
export function areNormal(halves: v128): bool {
  return i16x8.all_true(v128.and(i16x8.add(halves, i16x8.splat(0x400)), i16x8.splat(0x7800)));
}

/** The lower four of eight values of 16 bits, each in the upper half of a lane; and the upper four. */
@inline
export function lowerFour(halves: v128): v128 {
  return v128.shuffle<i16>(halves, i16x8.splat(0), 8, 0, 8, 1, 8, 2, 8, 3);
}

@inline
export function upperFour(halves: v128): v128 {
  return v128.shuffle<i16>(halves, i16x8.splat(0), 8, 4, 8, 5, 8, 6, 8, 7);
}

function decodeHalves(from: usize, n: i32, to: usize): void {
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const halves = v128.load(from);
    if (areNormal(halves)) {
      v128.store(to, normalHalves(lowerFour(halves)));
      v128.store(to, normalHalves(upperFour(halves)), 16);
    } else {
      v128.store(to, loadFour(F16, from));
      v128.store(to, loadFour(F16, from + 8), 16);
    }
    from += 16;
    to += 32;
  }
  for (; i < n; i++) {
    store<f32>(to, loadOne(F16, from));
    from += 2;
    to += 4;
  }
}

function decodeUppers(from: usize, n: i32, to: usize): void {
  let i = 0;
  for (; i + 8 <= n; i += 8) {
    const halves = v128.load(from);
    v128.store(to, lowerFour(halves));
    v128.store(to, upperFour(halves), 16);
    from += 16;
    to += 32;
  }
  for (; i < n; i++) {
    store<f32>(to, loadOne(BF16, from));
    from += 2;
    to += 4;
  }
}

/** `n` values as float32. */
export function decode(storage: i32, from: usize, n: i32, to: usize): void {
  if (storage == F16) decodeHalves(from, n, to);
  else if (storage == BF16) decodeUppers(from, n, to);
  else memory.copy(to, from, <usize>n * 4);
}
