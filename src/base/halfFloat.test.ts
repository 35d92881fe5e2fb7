import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bfloat16ToFloat32, float32ToHalf, fromHalfBits, halfToFloat32, LARGEST_TO_HALF, toHalfBits } from './halfFloat.ts';

/** The value of a float16 bit pattern straight from its definition. */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const mantissa = half & 1023;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

describe('float16', () => {
  it('reads and writes back all 65536 bit patterns', () => {
    for (let half = 0; half < 65536; half++) {
      const value = fromHalfBits(half);
      if (Number.isNaN(valueOf(half))) {
        expect(value).toBeNaN();
        expect(fromHalfBits(toHalfBits(value))).toBeNaN();
      } else {
        if (!Object.is(value, valueOf(half))) throw new Error(`pattern ${half}: ${value}, not ${valueOf(half)}`);
        if (toHalfBits(value) !== half) throw new Error(`pattern ${half} came back as ${toHalfBits(value)}`);
      }
    }
  });

  it('rounds every float32 to the nearest, ties to even', () => {
    const nearest = (x: number): void => {
      const half = toHalfBits(x);
      const error = Math.abs(fromHalfBits(half) - x);
      for (const neighbour of [half - 1, half + 1]) {
        if ((neighbour & 0x8000) !== (half & 0x8000) || neighbour < 0) continue;
        const other = valueOf(neighbour);
        if (!Number.isFinite(other)) continue;
        const otherError = Math.abs(other - x);
        expect(error).toBeLessThanOrEqual(otherError);
        if (error === otherError) expect(half & 1).toBe(0);
      }
    };
    fc.assert(fc.property(fc.float({ min: -65504, max: 65504, noNaN: true }), nearest), { numRuns: 2000 });
    fc.assert(fc.property(fc.float({ min: Math.fround(-1e-4), max: Math.fround(1e-4), noNaN: true }), nearest), { numRuns: 2000 });
    // Exactly between two neighbours.
    fc.assert(fc.property(fc.integer({ min: 0, max: 0x7bfe }), (half) => nearest((valueOf(half) + valueOf(half + 1)) / 2)), { numRuns: 2000 });
  });

  it('goes to infinity only beyond its largest number', () => {
    expect(fromHalfBits(toHalfBits(65504))).toBe(65504);
    expect(fromHalfBits(toHalfBits(LARGEST_TO_HALF))).toBe(65504);
    expect(fromHalfBits(toHalfBits(65520))).toBe(Infinity);
    expect(fromHalfBits(toHalfBits(-Infinity))).toBe(-Infinity);
    expect(toHalfBits(-0)).toBe(0x8000);
  });

  it('converts whole arrays as single values', () => {
    const values = Float32Array.from([0, -0, 1, 1 / 3, 1e-7, 6e-8, 65504, -2.5]);
    expect(halfToFloat32(float32ToHalf(values))).toEqual(values.map((x) => fromHalfBits(toHalfBits(x))));
  });
});

describe('bfloat16', () => {
  it('is the upper half of float32', () => {
    expect([...bfloat16ToFloat32(Uint16Array.from([0x3f80, 0xc000, 0x7f80, 0x8000, 0x0001]))]).toEqual([1, -2, Infinity, -0, 2 ** -133]);
  });
});
