import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { argMax, sampleRow, type SamplingConfig } from './sampling.cpu.ts';

const all = { temperature: 1, topK: 0, topP: 1 };
const logits = Float32Array.from([1, 3, 2, -1, 0.5, 2.5]);

/** Share of each token among tokens drawn with evenly spread uniforms: their probabilities, to one part in `draws`. */
function shares(values: Float32Array, config: SamplingConfig, draws = 20000): number[] {
  const counts = new Array<number>(values.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sampleRow(values, config, (i + 0.5) / draws)]! += 1;
  return counts.map((count) => count / draws);
}

function softmax(values: readonly number[], temperature: number): number[] {
  const weights = values.map((z) => Math.exp(z / temperature));
  const sum = weights.reduce((a, b) => a + b, 0);
  return weights.map((weight) => weight / sum);
}

describe('sampling (CPU twin)', () => {
  it('is greedy at temperature 0 and takes the first among equals', () => {
    expect(sampleRow(logits, { ...all, temperature: 0 }, 0.99)).toBe(1);
    expect(argMax(Float32Array.from([2, 5, 5]))).toBe(1);
  });

  it.each([0.5, 1, 2])('follows the softmax at temperature %d, in the order of the indices', (temperature) => {
    const expected = softmax([...logits], temperature);
    shares(logits, { ...all, temperature }).forEach((share, i) => expect(share).toBeCloseTo(expected[i]!, 3));
    expect(sampleRow(logits, { ...all, temperature }, expected[0]! - 1e-6)).toBe(0);
    expect(sampleRow(logits, { ...all, temperature }, expected[0]! + 1e-6)).toBe(1);
  });

  it('keeps the k largest with top-k, and all ties at the edge', () => {
    const expected = softmax([3, 2, 2.5], 1);
    const drawn = shares(logits, { ...all, topK: 3 });
    [0, expected[0]!, expected[1]!, 0, 0, expected[2]!].forEach((share, i) => expect(drawn[i]).toBeCloseTo(share, 3));
    expect(shares(Float32Array.from([2, 1, 1, 0]), { ...all, topK: 2 }).map((share) => share > 0)).toEqual([true, true, true, false]);
  });

  it('keeps the fewest that reach top-p, the first among equals', () => {
    // Probabilities 0.1, 0.4, 0.2, 0.2, 0.1.
    const values = Float32Array.from([1, 4, 2, 2, 1], Math.log);
    const kept = (topP: number): boolean[] => shares(values, { ...all, topP }).map((share) => share > 0);
    expect(kept(0.39)).toEqual([false, true, false, false, false]);
    expect(kept(0.59)).toEqual([false, true, true, false, false]);
    expect(kept(0.79)).toEqual([false, true, true, true, false]);
    expect(kept(0.89)).toEqual([true, true, true, true, false]);
  });

  it('applies top-p to what top-k left', () => {
    const values = Float32Array.from([5, 3, 2], Math.log);
    expect(shares(values, { ...all, topK: 2, topP: 0.6 }).map((share) => share > 0)).toEqual([true, false, false]);
    expect(shares(values, { ...all, topP: 0.6 }).map((share) => share > 0)).toEqual([true, true, false]);
  });

  it('gives −1 for logits that are not numbers, and never draws −∞', () => {
    for (const temperature of [0, 1]) {
      const config = { ...all, temperature };
      expect(sampleRow(Float32Array.from([1, NaN, 2]), config, 0.5)).toBe(-1);
      expect(sampleRow(Float32Array.from([1, Infinity]), config, 0.5)).toBe(-1);
      expect(sampleRow(Float32Array.from([-Infinity, -Infinity]), config, 0.5)).toBe(-1);
      expect(sampleRow(Float32Array.from([-Infinity, 1]), config, 0)).toBe(1);
    }
  });

  it('draws by the probabilities with the engine’s random numbers (chi-square)', () => {
    const values = randomFloats(40, 3);
    const expected = softmax([...values], 1);
    const rng = new Rng(11);
    const draws = 20000;
    const counts = new Array<number>(40).fill(0);
    for (let i = 0; i < draws; i++) counts[sampleRow(values, all, Math.fround(rng.next()))]! += 1;
    const chiSquare = counts.reduce((sum, count, i) => sum + (count - draws * expected[i]!) ** 2 / (draws * expected[i]!), 0);
    // 39 degrees of freedom: 99.9 % lie below 72.
    expect(chiSquare).toBeLessThan(72);
  });
});
