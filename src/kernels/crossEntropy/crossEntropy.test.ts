import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { crossEntropyBackward, crossEntropyForward } from './crossEntropy.cpu.ts';

describe('crossEntropy (CPU twin)', () => {
  it('is log V for equal logits, however large', () => {
    const nll = new Float64Array(1);
    crossEntropyForward(new Float64Array(8).fill(1e4), Int32Array.of(3), nll, new Float64Array(1), 8);
    expect(nll[0]).toBeCloseTo(Math.log(8), 10);
  });

  it('has the gradient that central differences measure, and none for ignored labels', () => {
    const V = 6;
    const logits = randomDoubles(4 * V, 1, 2);
    const labels = Int32Array.of(0, 5, -100, 2);
    const weights = randomDoubles(4, 2);
    const nll = new Float64Array(4);
    const logSumExp = new Float64Array(4);
    const f = (): number => {
      crossEntropyForward(logits, labels, nll, logSumExp, V);
      return dot(nll, weights);
    };
    f();
    expect(nll[2]).toBe(0);
    const grad = new Float64Array(logits.length).fill(7);
    crossEntropyBackward(logits, labels, logSumExp, weights, grad, V);
    assertGradient(f, logits, grad, 'logits');
    expect(grad.subarray(2 * V, 3 * V).every((g) => g === 0)).toBe(true);
  });

  it('refuses labels outside the vocabulary', () => {
    expect(() => crossEntropyForward(new Float32Array(3), Int32Array.of(3), new Float32Array(1), new Float32Array(1), 3)).toThrow('label 3');
  });
});
