import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { rmsNormBackward, rmsNormForward } from './rmsNorm.cpu.ts';

describe('rmsNorm (CPU twin)', () => {
  it('gives rows of root mean square 1 times the weight', () => {
    const x = randomDoubles(4 * 9, 1, 50);
    const y = new Float64Array(x.length);
    rmsNormForward(x, new Float64Array(9).fill(1), y, 9, 0);
    for (let r = 0; r < 4; r++) expect(dot(y.subarray(9 * r, 9 * r + 9), y.subarray(9 * r, 9 * r + 9)) / 9).toBeCloseTo(1, 12);
  });

  it('has the gradients that central differences measure', () => {
    const C = 5;
    const x = randomDoubles(3 * C, 1);
    const weight = randomDoubles(C, 2);
    const weights = randomDoubles(x.length, 3);
    const y = new Float64Array(x.length);
    const f = (): number => {
      rmsNormForward(x, weight, y, C, 1e-3);
      return dot(y, weights);
    };
    const gradX = new Float64Array(x.length);
    const gradWeight = new Float64Array(C);
    rmsNormBackward(x, weight, weights, null, gradX, gradWeight, C, 1e-3);
    assertGradient(f, x, gradX, 'x');
    assertGradient(f, weight, gradWeight, 'weight');
  });
});
