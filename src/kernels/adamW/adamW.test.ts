import { describe, expect, it } from 'vitest';
import { assertAllClose } from '../../testing/allclose.ts';
import { adamWUpdate } from './adamW.cpu.ts';

const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 };

describe('adamW (CPU twin)', () => {
  it('moves the first step by the learning rate against the sign of the gradient, after the decay', () => {
    const param = Float64Array.of(1, -2, 3);
    adamWUpdate(param, Float64Array.of(5, -0.1, 0), new Float64Array(3), new Float64Array(3), 1, { ...settings, step: 1 });
    assertAllClose(param, [0.999 - 0.01, -1.998 + 0.01, 2.997], { rtol: 1e-6, atol: 1e-8, reason: 'epsilon in the denominator' });
  });

  it('does nothing but decay without a gradient', () => {
    const param = Float64Array.of(4);
    for (let step = 1; step <= 3; step++) adamWUpdate(param, new Float64Array(1), new Float64Array(1), new Float64Array(1), 1, { ...settings, step });
    expect(param[0]).toBeCloseTo(4 * 0.999 ** 3, 12);
  });
});
