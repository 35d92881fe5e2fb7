import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { inverseFrequencies, type RopeConfig } from './rope.ts';

/** Made by tools/reference/rope.py. */
const reference = JSON.parse(readFileSync(new URL('../testing/reference/rope.json', import.meta.url), 'utf8')) as {
  cases: { name: string; rope: RopeConfig; inverse: number[]; attentionFactor: number }[];
};

it.each(reference.cases.map((one) => [one.name, one] as const))('gives the frequencies that transformers gives: %s', (_name, { rope, inverse, attentionFactor }) => {
  const ours = inverseFrequencies(rope);
  expect(ours.inverse.length).toBe(inverse.length);
  // Theirs are float32 throughout: theta^(2i/d) of large theta carries some of its roundings.
  inverse.forEach((expected, i) => expect(Math.abs(ours.inverse[i]! / expected - 1)).toBeLessThan(2e-6));
  expect(ours.attentionFactor).toBeCloseTo(attentionFactor, 9);
});

it('tells the kinds of scaling apart', () => {
  const [plain, llama3] = reference.cases.filter(({ name }) => name.startsWith('llama3')).map(({ rope }) => [inverseFrequencies({ ...rope, scaling: null }), inverseFrequencies(rope)])[0]!;
  const ratios = Array.from(plain!.inverse, (frequency, i) => frequency / llama3!.inverse[i]!);
  expect(ratios[0]).toBe(1);
  expect(ratios.at(-1)).toBeCloseTo(32, 9);
  expect(ratios.some((ratio) => ratio > 1.01 && ratio < 31)).toBe(true);
});
