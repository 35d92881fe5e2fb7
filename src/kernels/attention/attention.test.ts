import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { attentionBackward, attentionForward, type AttentionSizes } from './attention.cpu.ts';

/** One call on random values; `run` recomputes it and returns the weighted sum of its output. */
function createCase(sizes: AttentionSizes, start: Int32Array): { arrays: Float64Array[]; out: Float64Array; logSumExp: Float64Array; weights: Float64Array; run: () => number } {
  const { B, T, S, H, G, K } = sizes;
  const q = randomDoubles(B * T * H * K, 1);
  const k = randomDoubles(B * S * G * K, 2);
  const v = randomDoubles(B * S * G * K, 3);
  const weights = randomDoubles(q.length, 4);
  const out = new Float64Array(q.length).fill(5);
  const logSumExp = new Float64Array(B * H * T);
  const run = (): number => {
    attentionForward(q, k, v, start, out, logSumExp, sizes);
    return dot(out, weights);
  };
  return { arrays: [q, k, v], out, logSumExp, weights, run };
}

describe('causal attention (CPU twin)', () => {
  it.each([
    ['plain', { B: 2, T: 4, S: 4, H: 2, G: 2, K: 4, pastLength: 0 }, [0, 0]],
    ['padded on the left', { B: 3, T: 4, S: 4, H: 2, G: 2, K: 2, pastLength: 0 }, [0, 2, 4]],
    ['shared key groups', { B: 1, T: 3, S: 3, H: 4, G: 2, K: 6, pastLength: 0 }, [0]],
    ['after a cache with spare slots', { B: 2, T: 2, S: 6, H: 1, G: 1, K: 5, pastLength: 3 }, [0, 1]],
  ] satisfies [string, AttentionSizes, number[]][])('has the gradients that central differences measure: %s', (_name, sizes, starts) => {
    const start = Int32Array.from(starts);
    const { arrays, out, logSumExp, weights, run } = createCase(sizes, start);
    run();
    const [q, k, v] = arrays as [Float64Array, Float64Array, Float64Array];
    const grads = arrays.map((a) => new Float64Array(a.length).fill(8)) as [Float64Array, Float64Array, Float64Array];
    attentionBackward(q, k, v, start, out, logSumExp, weights, ...grads, sizes);
    ['q', 'k', 'v'].forEach((name, i) => assertGradient(run, arrays[i]!, grads[i]!, name));
  });

  it('does not see later slots, nor slots before the start', () => {
    const sizes = { B: 1, T: 4, S: 4, H: 1, G: 1, K: 2, pastLength: 0 };
    const { arrays, out, run } = createCase(sizes, Int32Array.of(1));
    run();
    const before = Float64Array.from(out);
    arrays[1]!.fill(1e3, 0, 2);
    arrays[2]!.fill(1e3, 6, 8);
    run();
    expect(Array.from(out.subarray(0, 6))).toEqual(Array.from(before.subarray(0, 6)));
    expect(Array.from(out.subarray(0, 2)), 'no slot to attend to').toEqual([0, 0]);
    expect(out[6]).not.toBe(before[6]);
  });
});
