import { describe, expect, it } from 'vitest';
import { assertAllClose } from '../../testing/allclose.ts';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { layerNormBackward, layerNormForward } from './layerNorm.cpu.ts';

describe('layerNorm (CPU twin)', () => {
  it('gives rows of mean 0 and variance 1, times the weight, plus the bias', () => {
    const x = randomDoubles(4 * 9, 1, 50);
    const y = new Float64Array(x.length);
    layerNormForward(x, new Float64Array(9).fill(2), new Float64Array(9).fill(5), y, 9, 0);
    for (let r = 0; r < 4; r++) {
      const row = y.subarray(9 * r, 9 * r + 9).map((v) => (v - 5) / 2);
      expect(row.reduce((a, b) => a + b)).toBeCloseTo(0, 12);
      expect(dot(row, row) / 9).toBeCloseTo(1, 12);
    }
  });

  it('has the gradients that central differences measure', () => {
    const C = 5;
    const x = randomDoubles(3 * C, 1);
    const [weight, bias] = [randomDoubles(C, 2), randomDoubles(C, 4)];
    const gradY = randomDoubles(x.length, 3);
    const y = new Float64Array(x.length);
    const f = (): number => {
      layerNormForward(x, weight, bias, y, C, 1e-3);
      return dot(y, gradY);
    };
    const gradX = new Float64Array(x.length).fill(9);
    const [gradWeight, gradBias] = [new Float64Array(C), new Float64Array(C)];
    layerNormBackward({ x, weight, gradY, residualGrad: null }, gradX, gradWeight, gradBias, C, 1e-3);
    assertGradient(f, x, gradX, 'x');
    assertGradient(f, weight, gradWeight, 'weight');
    assertGradient(f, bias, gradBias, 'bias');
  });

  it('adds the residual gradient, and adds to the gradients of weight and bias', () => {
    const C = 3;
    const inputs = { x: randomDoubles(2 * C, 1), weight: randomDoubles(C, 2), gradY: randomDoubles(2 * C, 3) };
    const residualGrad = randomDoubles(2 * C, 4);
    const once = [new Float64Array(2 * C), new Float64Array(C), new Float64Array(C)] as const;
    layerNormBackward({ ...inputs, residualGrad: null }, ...once, C, 1e-3);
    const twice = [new Float64Array(2 * C), new Float64Array(C), new Float64Array(C)] as const;
    for (let i = 0; i < 2; i++) layerNormBackward({ ...inputs, residualGrad }, ...twice, C, 1e-3);
    const tolerance = { rtol: 1e-12, atol: 1e-12, reason: 'float64' };
    assertAllClose(twice[0], once[0].map((v, i) => v + residualGrad[i]!), tolerance, 'x');
    assertAllClose(twice[1], once[1].map((v) => 2 * v), tolerance, 'weight');
    assertAllClose(twice[2], once[2].map((v) => 2 * v), tolerance, 'bias');
  });
});
