import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { headNormBackward, headNormForward } from './headNorm.cpu.ts';

describe('headNorm (CPU twin)', () => {
  it('gives queries and keys the root mean square of their gain and leaves values alone', () => {
    const sizes = { H: 2, G: 1, K: 4, eps: 0 };
    const qkv = randomDoubles(3 * 16, 1, 20);
    const out = new Float64Array(qkv.length);
    headNormForward(qkv, new Float64Array(4).fill(2), new Float64Array(4).fill(0.5), out, sizes);
    for (let row = 0; row < 3; row++) {
      const norms = [0, 1, 2].map((head) => Math.hypot(...out.subarray(row * 16 + head * 4, row * 16 + head * 4 + 4)));
      [4, 4, 1].forEach((expected, head) => expect(norms[head]).toBeCloseTo(expected, 12));
      expect(Array.from(out.subarray(row * 16 + 12, row * 16 + 16))).toEqual(Array.from(qkv.subarray(row * 16 + 12, row * 16 + 16)));
    }
  });

  it('has the gradients that central differences measure', () => {
    const sizes = { H: 4, G: 2, K: 5, eps: 1e-3 };
    const qkv = randomDoubles(3 * 8 * 5, 1);
    const [gainQ, gainK] = [randomDoubles(5, 2), randomDoubles(5, 3)];
    const weights = randomDoubles(qkv.length, 4);
    const out = new Float64Array(qkv.length);
    const f = (): number => {
      headNormForward(qkv, gainQ, gainK, out, sizes);
      return dot(out, weights);
    };
    const gradQkv = new Float64Array(qkv.length).fill(9);
    const [gradGainQ, gradGainK] = [new Float64Array(5), new Float64Array(5)];
    headNormBackward(qkv, gainQ, gainK, weights, gradQkv, gradGainQ, gradGainK, sizes);
    assertGradient(f, qkv, gradQkv, 'qkv');
    assertGradient(f, gainQ, gradGainQ, 'gain of queries');
    assertGradient(f, gainK, gradGainK, 'gain of keys');
    const frozen = new Float64Array(qkv.length);
    headNormBackward(qkv, gainQ, gainK, weights, frozen, null, null, sizes);
    expect(frozen).toEqual(gradQkv);
  });
});
