import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { erf, geluBackward, geluForward, type GeluApproximation } from './gelu.cpu.ts';

const values = (xs: number[], approximate: GeluApproximation): number[] => {
  const y = new Float64Array(xs.length);
  geluForward(Float64Array.from(xs), y, approximate);
  return [...y];
};

describe('gelu (CPU twin)', () => {
  it('has the error function of the tables', () => {
    for (const [x, value] of [[0.5, 0.5204998778130465], [1, 0.8427007929497149], [2, 0.9953222650189527], [-3, -0.9999779095030014], [5, 0.9999999999984626], [7, 1]] as const) expect(erf(x)).toBeCloseTo(value, 14);
  });

  it('gives the values that PyTorch documents for both forms', () => {
    expect(values([1, -1, 0], 'none')).toEqual([expect.closeTo(0.841344746, 9), expect.closeTo(-0.158655254, 9), 0]);
    expect(values([1, -1, 0], 'tanh')).toEqual([expect.closeTo(0.841191991, 9), expect.closeTo(-0.158808009, 9), 0]);
  });

  it.each(['none', 'tanh'] as const)('has the gradient that central differences measure: %s', (approximate) => {
    const x = randomDoubles(23, 1, 2);
    const gradY = randomDoubles(x.length, 2);
    const y = new Float64Array(x.length);
    const f = (): number => {
      geluForward(x, y, approximate);
      return dot(y, gradY);
    };
    const gradX = new Float64Array(x.length).fill(9);
    geluBackward(x, gradY, gradX, approximate);
    assertGradient(f, x, gradX, 'x');
  });
});
