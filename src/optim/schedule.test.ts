import { describe, expect, it } from 'vitest';
import { learningRateAt } from './schedule.ts';

const rates = (lrSchedulerType: 'constant' | 'linear' | 'cosine', warmupSteps: number, maxSteps = 10) =>
  Array.from({ length: maxSteps }, (_, i) => learningRateAt(i + 1, { learningRate: 1, warmupSteps, maxSteps, lrSchedulerType }));

describe('the learning rate schedule', () => {
  it('warms up linearly, first step included', () => {
    expect(rates('constant', 4)).toEqual([0.25, 0.5, 0.75, 1, 1, 1, 1, 1, 1, 1]);
    expect(rates('constant', 0)).toEqual(Array(10).fill(1));
  });

  it('falls linearly from the full rate to one part of what is left, never to 0', () => {
    const linear = rates('linear', 2);
    expect(linear.slice(0, 3)).toEqual([0.5, 1, 1]);
    expect(linear.at(-1)).toBeCloseTo(1 / 8, 12);
    for (let i = 3; i < 10; i++) expect(linear[i]! - linear[i - 1]!).toBeCloseTo(-1 / 8, 12);
  });

  it('follows half a cosine', () => {
    const cosine = rates('cosine', 0);
    expect(cosine[0]).toBe(1);
    expect(cosine[5]).toBeCloseTo(0.5, 12);
    expect(cosine.every((r, i) => r > 0 && (i === 0 || r < cosine[i - 1]!))).toBe(true);
  });

  it('stays finite when the warm-up is longer than the run', () => {
    expect(rates('cosine', 20).at(-1)).toBe(0.5);
    expect(learningRateAt(11, { learningRate: 1, warmupSteps: 10, maxSteps: 10, lrSchedulerType: 'linear' })).toBe(1);
  });
});
