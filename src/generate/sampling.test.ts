import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { argMax, sampleToken, type SamplingConfig } from './sampling.ts';

const logits = Float32Array.from([1, 3, 2, -1, 0.5, 2.5]);

/** How often each token is drawn. */
function frequencies(values: Float32Array, config: SamplingConfig, draws: number): number[] {
  const rng = new Rng(7);
  const counts = new Array<number>(values.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampleToken(values, config, rng)]! += 1;
  return counts.map((count) => count / draws);
}

function softmax(values: Float32Array, temperature: number): number[] {
  const weights = [...values].map((z) => Math.exp(z / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

/** Five standard errors of a frequency out of 20000 draws. */
const tolerance = 5 * Math.sqrt(0.25 / 20000);

describe('sampling', () => {
  it('is greedy at temperature 0 and draws nothing', () => {
    const rng = new Rng(1);
    const before = rng.state;
    expect(sampleToken(logits, { temperature: 0, topK: 0, topP: 1 }, rng)).toBe(1);
    expect(rng.state).toEqual(before);
    expect(argMax(Float32Array.from([2, 5, 5]))).toBe(1);
  });

  it.each([0.5, 1, 2])('follows the softmax at temperature %d', (temperature) => {
    const expected = softmax(logits, temperature);
    frequencies(logits, { temperature, topK: 0, topP: 1 }, 20000).forEach((share, i) => expect(Math.abs(share - expected[i]!)).toBeLessThan(tolerance));
  });

  it('keeps the k largest with top-k', () => {
    const shares = frequencies(logits, { temperature: 1, topK: 3, topP: 1 }, 20000);
    const kept = [1, 5, 2];
    const expected = softmax(Float32Array.from(kept.map((i) => logits[i]!)), 1);
    shares.forEach((share, i) => (kept.includes(i) ? expect(Math.abs(share - expected[kept.indexOf(i)]!)).toBeLessThan(tolerance) : expect(share).toBe(0)));
  });

  it('keeps the smallest set that reaches top-p', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -32, max: 32 }), { minLength: 2, maxLength: 30 }), fc.double({ min: 0.01, max: 0.99, noNaN: true }), (values, topP) => {
        const row = Float32Array.from(values, (value) => value / 4);
        const probabilities = softmax(row, 1);
        const order = probabilities.map((_, i) => i).sort((a, b) => row[b]! - row[a]! || a - b);
        const allowed = new Set<number>();
        let mass = 0;
        for (const i of order) {
          allowed.add(i);
          mass += probabilities[i]!;
          if (mass >= topP - 1e-9) break;
        }
        const rng = new Rng(3);
        // One more is allowed where rounding decides.
        if (allowed.size < order.length && Math.abs(mass - topP) < 1e-9) allowed.add(order[allowed.size]!);
        for (let n = 0; n < 20; n++) expect(allowed.has(sampleToken(row, { temperature: 1, topK: 0, topP }, rng))).toBe(true);
      }),
      { numRuns: 300 },
    );
    const shares = frequencies(logits, { temperature: 1, topK: 0, topP: 0.5 }, 2000);
    expect(shares.filter((share) => share > 0)).toHaveLength(2);
  });

  it('draws the same tokens for the same seed and uses one random number a token', () => {
    const draw = (seed: number) => { const rng = new Rng(seed); return Array.from({ length: 20 }, () => sampleToken(logits, { temperature: 1, topK: 0, topP: 0.9 }, rng)); };
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    const used = new Rng(5);
    const counted = new Rng(5);
    sampleToken(logits, { temperature: 1, topK: 2, topP: 0.9 }, used);
    counted.next();
    expect(used.state).toEqual(counted.state);
  });

  it('refuses logits that are not numbers instead of drawing anything', () => {
    for (const temperature of [0, 1]) {
      expect(() => sampleToken(Float32Array.from([1, NaN, 2]), { temperature, topK: 0, topP: 1 }, new Rng(1))).toThrow(/not numbers/);
    }
  });
});
