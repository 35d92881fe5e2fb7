import { describe, expect, it } from 'vitest';
import { randomObjective, everySetting } from '../testing/randomObjective.ts';
import { semanticLossCpu, type SemanticLossArrays } from './semanticLoss.cpu.ts';

describe('the training objective in plain arithmetic', () => {
  it.each(everySetting)('has the gradient of central differences: $emdObjective, $prefixWeighting, beta $klBeta', (settings) => {
    for (const seed of [1, 2, 3]) {
      const arrays = randomObjective(seed);
      const exact = semanticLossCpu(arrays, settings);
      for (const [name, gradient] of [
        ['benignLogits', exact.benignGradient],
        ['unsafeLogits', exact.unsafeGradient],
      ] as const)
        for (let i = 0; i < gradient.length; i++) {
          const h = 1e-5;
          const shifted = (by: number): SemanticLossArrays => ({ ...arrays, [name]: arrays[name].map((z, j) => (j === i ? z + by : z)) });
          const numeric = (semanticLossCpu(shifted(h), settings, exact.frozen).total - semanticLossCpu(shifted(-h), settings, exact.frozen).total) / (2 * h);
          expect(Math.abs(numeric - gradient[i]!)).toBeLessThan(1e-9);
        }
    }
  });

  it('reaches both sides of the clamp in these tests', () => {
    const weights = [1, 2, 3].flatMap((seed) => [...semanticLossCpu(randomObjective(seed), { ...everySetting[0]!, prefixWeighting: 'importance' }).frozen.distanceWeights]);
    expect(weights.some((w) => w === Math.exp(0.3))).toBe(true);
    expect(weights.some((w) => w < 0.9)).toBe(true);
  });

  it('is the expected similarity under importance weighting: at the base weights, every weight is 1', () => {
    const arrays = randomObjective(4);
    const settings = { ...everySetting[0]!, prefixWeighting: 'importance' as const };
    const atBase = semanticLossCpu({ ...arrays, unsafeLogits: arrays.baseLogits }, settings);
    expect(atBase.meanWeight).toBeCloseTo(1, 12);
    expect(atBase.semantic).toBeCloseTo(settings.semanticLambda * (1 - atBase.meanDistance), 12);
    expect(atBase.kl).toBeCloseTo(0, 12);
  });

  it('switches itself off once the LM no longer reaches the unsafe tokens', () => {
    const arrays = randomObjective(5);
    const { V, unsafeLabels } = arrays;
    const away = arrays.unsafeLogits.map((z, i) => (unsafeLabels[Math.floor(i / V)] === i % V ? -30 : z));
    const settings = { ...everySetting[0]!, prefixWeighting: 'importance' as const };
    const turned = semanticLossCpu({ ...arrays, unsafeLogits: away }, settings);
    const first = new Set(arrays.rowOffsets.subarray(0, -1));
    turned.frozen.distanceWeights.forEach((w, t) => (first.has(t) ? expect(w).toBe(1) : expect(w).toBeLessThan(1e-10)));
  });
});
