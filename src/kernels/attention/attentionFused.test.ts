import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { attentionFusedBackward, attentionFusedForward, cachedAttentionForward, type FusedSizes, rowWidth, writeKeysAndValues } from './attentionFused.cpu.ts';

const cases: [string, FusedSizes, number[]][] = [
  ['plain', { B: 2, T: 4, H: 2, G: 2, K: 4, scale: 4 ** -0.5, window: null }, [0, 0]],
  ['padded on the left', { B: 3, T: 4, H: 2, G: 2, K: 3, scale: 3 ** -0.5, window: null }, [0, 2, 4]],
  ['a scale and a window', { B: 2, T: 6, H: 2, G: 1, K: 4, scale: 0.9, window: 3 }, [0, 2]],
  ['shared key groups', { B: 1, T: 3, H: 4, G: 2, K: 6, scale: 6 ** -0.5, window: null }, [0]],
];

describe('attention on fused rows (CPU twin)', () => {
  it.each(cases)('has the gradient that central differences measure: %s', (_name, sizes, starts) => {
    const { B, T, H, K } = sizes;
    const start = Int32Array.from(starts);
    const qkv = randomDoubles(B * T * rowWidth(sizes), 1);
    const out = new Float64Array(B * T * H * K).fill(5);
    const weights = randomDoubles(out.length, 4);
    const logSumExp = new Float64Array(B * H * T);
    const run = (): number => {
      attentionFusedForward(qkv, start, out, logSumExp, sizes);
      return dot(out, weights);
    };
    run();
    const gradient = new Float64Array(qkv.length).fill(8);
    attentionFusedBackward(qkv, start, out, logSumExp, weights, gradient, sizes);
    assertGradient(run, qkv, gradient, 'qkv');
  });

  it('is a mean of the values seen, weighted by the softmax of the scores', () => {
    // One head of size 1: query 1, keys 0, ln 2, ln 5; values 10, 20, 40.
    const qkv = Float64Array.of(1, 0, 10, 1, Math.log(2), 20, 1, Math.log(5), 40);
    const out = new Float64Array(3);
    const logSumExp = new Float64Array(3);
    attentionFusedForward(qkv, Int32Array.of(0), out, logSumExp, { B: 1, T: 3, H: 1, G: 1, K: 1, scale: 1 ** -0.5, window: null });
    [10, 50 / 3, (10 + 40 + 200) / 8].forEach((expected, t) => expect(out[t]).toBeCloseTo(expected, 12));
    expect(logSumExp[2]).toBeCloseTo(Math.log(8), 12);
  });

  it('with a window sees no slot before it', () => {
    // Values 10, 20, 40; scale 0 makes all weights equal.
    const qkv = Float64Array.of(1, 5, 10, 1, 6, 20, 1, 7, 40);
    const means = (window: number | null): number[] => {
      const out = new Float64Array(3);
      attentionFusedForward(qkv, Int32Array.of(0), out, new Float64Array(3), { B: 1, T: 3, H: 1, G: 1, K: 1, scale: 0, window });
      return Array.from(out);
    };
    expect(means(1)).toEqual([10, 20, 40]);
    expect(means(2)).toEqual([10, 15, 30]);
    expect(means(3)).toEqual(means(null));
  });

  it.each([null, 3])('token by token over a cache equals all at once, window %s', (window) => {
    const sizes = { B: 2, T: 5, H: 4, G: 2, K: 3, scale: 3 ** -0.5, window };
    const start = Int32Array.of(0, 2);
    const width = rowWidth(sizes);
    const qkv = randomDoubles(sizes.B * sizes.T * width, 9);
    const whole = new Float64Array(sizes.B * sizes.T * 12);
    attentionFusedForward(qkv, start, whole, new Float64Array(40), sizes);
    const [keys, values] = [new Float64Array(2 * 7 * 6), new Float64Array(2 * 7 * 6)];
    for (let t = 0; t < sizes.T; t++) {
      const rows = Float64Array.from([0, 1].flatMap((b) => [...qkv.subarray((b * 5 + t) * width, (b * 5 + t + 1) * width)]));
      const one = { ...sizes, T: 1 };
      writeKeysAndValues(rows, keys, values, t, 7, one);
      const out = new Float64Array(2 * 12);
      cachedAttentionForward(rows, keys, values, start, out, { ...one, S: 7, pastLength: t });
      for (const b of [0, 1]) expect([...out.subarray(b * 12, (b + 1) * 12)]).toEqual([...whole.subarray((b * 5 + t) * 12, (b * 5 + t + 1) * 12)]);
    }
  });
});
