import { describe, expect, it } from 'vitest';
import { dropoutBits, dropoutForward, keepScale, mixSeed } from './dropout.cpu.ts';

const n = 200_000;
const masked = (p: number, seed: number): Float32Array => {
  const y = new Float32Array(n);
  dropoutForward(new Float32Array(n).fill(1), y, { p, seed });
  return y;
};

describe('dropout (CPU twin)', () => {
  it.each([0.05, 0.5, 0.9])('drops a share of %f, whatever the seed, and keeps the expectation', (p) => {
    for (const seed of [0, 1, 2, 0x12345678, 0xffffffff]) {
      const dropped = masked(p, seed).reduce((count, value) => count + Number(value === 0), 0);
      // Five standard deviations of a binomial.
      expect(Math.abs(dropped - n * p)).toBeLessThan(5 * Math.sqrt(n * p * (1 - p)));
    }
    expect((1 - p) * keepScale(p)).toBeCloseTo(1, 6);
  });

  it('is independent between seeds, neighbours included, and between neighbouring values', () => {
    const first = masked(0.5, 100);
    for (const other of [masked(0.5, 101), masked(0.5, 228), masked(0.5, 100 + 0x9e3779b1), first.slice(1), first.slice(64)]) {
      const agree = other.reduce((count, value, i) => count + Number(value === first[i]), 0);
      expect(Math.abs(agree - other.length / 2)).toBeLessThan(5 * Math.sqrt(n / 4));
    }
  });

  it('has 32 bits that are each set half of the time', () => {
    for (let bit = 0; bit < 32; bit++) {
      let set = 0;
      for (let i = 0; i < 20_000; i++) set += (dropoutBits(mixSeed(42), i) >>> bit) & 1;
      expect(Math.abs(set - 10_000)).toBeLessThan(5 * Math.sqrt(5000));
    }
  });

  it('leaves everything as it is with p = 0', () => {
    expect(masked(0, 3).every((value) => value === 1)).toBe(true);
  });
});
