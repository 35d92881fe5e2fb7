/**
 * Exact conversions between float32 and the two 16-bit formats of weight files, on bit patterns.
 * To 16 bits: round to nearest, ties to even, as IEEE 754 and PyTorch do. Not a numeric type to compute in.
 */

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/** Bits of the float16 nearest to x; beyond 65519.99 that is infinity. */
export function toHalfBits(x: number): number {
  f32[0] = x;
  const bits = u32[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x01ff); // NaN, kept quiet
  if (magnitude >= 0x477ff000) return sign | 0x7c00; // 65520 and more rounds to infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14: subnormal, in units of 2^-24. 2^-25 is a tie with zero, and zero is even.
    if (magnitude <= 0x33000000) return sign;
    const shift = 126 - (magnitude >>> 23);
    const mantissa = (magnitude & 0x7fffff) | 0x800000;
    const kept = mantissa >>> shift;
    const rest = mantissa & ((1 << shift) - 1);
    const half = 1 << (shift - 1);
    return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
  }
  // Rebias the exponent by 112; a carry out of the mantissa correctly moves on to the next exponent.
  const odd = (magnitude >>> 13) & 1;
  return sign | ((magnitude - 0x38000000 + 0x0fff + odd) >>> 13);
}

/** float32 bits of a float16 bit pattern; exact. */
function bitsOfHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const mantissa = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (mantissa << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (mantissa << 13);
  if (mantissa === 0) return sign;
  const shift = Math.clz32(mantissa) - 21; // brings the leading one to bit 10
  return sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ff) << 13);
}

/** The value of a float16 bit pattern. */
export function fromHalfBits(half: number): number {
  u32[0] = bitsOfHalf(half);
  return f32[0] as number;
}

/** @param halves borrowed @returns owned, same length */
export function halfToFloat32(halves: Uint16Array): Float32Array {
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = bitsOfHalf(halves[i] as number);
  return new Float32Array(out.buffer);
}

/** bfloat16 is the upper half of float32. @param halves borrowed @returns owned, same length */
export function bfloat16ToFloat32(halves: Uint16Array): Float32Array {
  const out = new Uint32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = (halves[i] as number) << 16;
  return new Float32Array(out.buffer);
}

/** @param values borrowed @returns owned, same length; values too large become infinite, so check before */
export function float32ToHalf(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalfBits(values[i] as number);
  return out;
}

/** The largest magnitude that rounds to a finite float16. */
export const LARGEST_TO_HALF = 65519.99609375;

/** Everything of at most this size rounds to a finite bfloat16. */
export const LARGEST_TO_BFLOAT16 = 3.3895313892515355e38;

/** To the nearest bfloat16, ties to even. @param values finite, at most LARGEST_TO_BFLOAT16 in size; borrowed @returns owned */
export function float32ToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < out.length; i++) {
    const word = bits[i] as number;
    out[i] = (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
  }
  return out;
}
