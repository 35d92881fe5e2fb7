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

/** Not 0 where a value of half precision is normal: its exponent is neither 0 nor all ones. */
@inline
function normality(halves: v128): v128 {
  return v128.and(i16x8.add(halves, i16x8.splat(0x400)), i16x8.splat(0x7800));
}

/** Whether four times eight values can be decoded by uppers and lowers. */
@inline
export function areNormal(storage: i32, a: v128, b: v128, c: v128, d: v128): bool {
  if (storage == BF16) return true;
  return i16x8.all_true(i16x8.min_u(i16x8.min_u(normality(a), normality(b)), i16x8.min_u(normality(c), normality(d))));
}

/** The upper halves of eight float32 numbers, from values of 16 bits; half precision must be normal (areNormal). */
@inline
export function uppers(storage: i32, values: v128): v128 {
  if (storage == BF16) return values;
  return i16x8.add(v128.and(i16x8.shr_s(values, 3), i16x8.splat(<i16>0x8fff)), i16x8.splat(0x3800));
}

/** The lower halves of the same. */
@inline
export function lowers(storage: i32, values: v128): v128 {
  return storage == BF16 ? i16x8.splat(0) : i16x8.shl(values, 13);
}

/** The first four of eight float32 numbers in halves, and the last four. In this order of lanes each is one instruction of x64. */
@inline
export function firstFour(lowers: v128, uppers: v128): v128 {
  return v128.shuffle<i16>(lowers, uppers, 0, 8, 1, 9, 2, 10, 3, 11);
}

@inline
export function lastFour(lowers: v128, uppers: v128): v128 {
  return v128.shuffle<i16>(lowers, uppers, 4, 12, 5, 13, 6, 14, 7, 15);
}

@inline
function storeEight(storage: i32, values: v128, to: usize): void {
  const low = lowers(storage, values);
  const high = uppers(storage, values);
  v128.store(to, firstFour(low, high));
  v128.store(to, lastFour(low, high), 16);
}

@inline
function decodeAs(storage: i32, from: usize, n: i32, to: usize): void {
  let i = 0;
  for (; i + 32 <= n; i += 32) {
    const a = v128.load(from);
    const b = v128.load(from, 16);
    const c = v128.load(from, 32);
    const d = v128.load(from, 48);
    if (areNormal(storage, a, b, c, d)) {
      storeEight(storage, a, to);
      storeEight(storage, b, to + 32);
      storeEight(storage, c, to + 64);
      storeEight(storage, d, to + 96);
    } else {
      for (let o: usize = 0; o < 64; o += 8) v128.store(to + 2 * o, loadFour(storage, from + o));
    }
    from += 64;
    to += 128;
  }
  for (; i < n; i++) {
    store<f32>(to, loadOne(storage, from));
    from += 2;
    to += 4;
  }
}

/** `n` values as float32. */
export function decode(storage: i32, from: usize, n: i32, to: usize): void {
  if (storage == F16) decodeAs(F16, from, n, to);
  else if (storage == BF16) decodeAs(BF16, from, n, to);
  else memory.copy(to, from, <usize>n * 4);
}
