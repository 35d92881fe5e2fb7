import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { Trial } from './intervals.ts';
import { clusterEffect, rateOf, wilson } from './intervals.ts';

describe('the Wilson interval', () => {
  it('has the textbook values', () => {
    // Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29
    for (const [k, n, low, high] of [[81, 263, 0.2553, 0.3662], [15, 148, 0.0624, 0.1605], [0, 20, 0, 0.1611], [1, 29, 0.0061, 0.1718]] as const) {
      expect(wilson(k, n).low).toBeCloseTo(low, 4);
      expect(wilson(k, n).high).toBeCloseTo(high, 4);
    }
    expect(wilson(0, 0)).toEqual({ low: 0, high: 1 });
  });

  it('contains the proportion, lies in 0..1 and narrows with n', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
        const k = Math.round(share * n);
        const { low, high } = wilson(k, n);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(low).toBeLessThanOrEqual(k / n);
        expect(high).toBeGreaterThanOrEqual(k / n);
        expect(high).toBeLessThanOrEqual(1);
        const more = wilson(4 * k, 4 * n);
        expect(more.high - more.low).toBeLessThan(high - low);
      }),
    );
  });
});

describe('clustered rates', () => {
  const trials = (counts: [number, number][]): Trial[] => counts.flatMap(([k, n], c) => Array.from({ length: n }, (_, i) => ({ hit: i < k, cluster: `c${c}` })));

  it('are plain Wilson when every trial stands alone', () => {
    const rate = rateOf([{ hit: true }, { hit: false }, { hit: false, cluster: 'x' }]);
    expect(rate).toEqual({ k: 1, n: 3, ...wilson(1, 3), interval: 'wilson' });
    expect(rateOf([])).toEqual({ k: 0, n: 0, low: 0, high: 1, interval: 'wilson' });
  });

  it('count an intent as one trial where whole intents hit or miss', () => {
    const effect = clusterEffect(trials([[6, 6], [6, 6], [0, 6], [0, 6], [0, 6], [0, 6]]));
    expect(effect.intraclassCorrelation).toBe(1);
    expect(effect.effectiveN).toBeCloseTo(6, 10);
    const none = rateOf(trials([[0, 6], [0, 6], [0, 6]]));
    expect(none).toMatchObject({ k: 0, n: 18, low: 0, interval: 'clustered', clusters: 3 });
    expect(none.high).toBeCloseTo(wilson(0, 3).high, 10);
    expect(rateOf(trials([[6, 6], [6, 6]])).high).toBe(1);
  });

  it('approach independence where hits are spread evenly', () => {
    const effect = clusterEffect(trials(Array.from({ length: 24 }, () => [3, 6])));
    expect(effect.intraclassCorrelation).toBeLessThan(0.02);
    expect(effect.effectiveN).toBeGreaterThan(130);
  });

  it('are never narrower than independent ones', () => {
    const counts = fc.array(fc.integer({ min: 1, max: 8 }).chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n))), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(counts, (c) => {
        const { k, n, low, high } = rateOf(trials(c as [number, number][]));
        const plain = wilson(k, n);
        expect(low).toBeLessThanOrEqual(plain.low + 1e-12);
        expect(high).toBeGreaterThanOrEqual(plain.high - 1e-12);
      }),
    );
  });

  // 24 intents of 7 prompts, as in the test split. Each intent has its own rate: all-or-nothing, or spread by a beta distribution.
  const simulate = (p: number, correlation: number, seed: number) => {
    const rng = new Rng(seed);
    const gamma = (shape: number): number => {
      // Marsaglia & Tsang 2000, with the boost for shapes below one
      if (shape < 1) return gamma(shape + 1) * (1 - rng.next()) ** (1 / shape);
      const d = shape - 1 / 3;
      const c = 1 / Math.sqrt(9 * d);
      for (;;) {
        const x = rng.normal();
        const v = (1 + c * x) ** 3;
        if (v > 0 && Math.log(1 - rng.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
      }
    };
    const s = 1 / correlation - 1;
    const runs = 1500;
    let clustered = 0;
    let plain = 0;
    for (let r = 0; r < runs; r++) {
      const all: Trial[] = [];
      for (let c = 0; c < 24; c++) {
        const a = gamma(p * s);
        const rate = a / (a + gamma((1 - p) * s));
        for (let i = 0; i < 7; i++) all.push({ hit: rng.next() < rate, cluster: `c${c}` });
      }
      const rate = rateOf(all);
      const w = wilson(rate.k, rate.n);
      if (rate.low <= p && p <= rate.high) clustered++;
      if (w.low <= p && p <= w.high) plain++;
    }
    return { clustered: clustered / runs, plain: plain / runs };
  };

  it.each([[0.03, 0.3], [0.08, 0.5], [0.1, 0.2], [0.3, 0.5], [0.9, 0.3]] as const)(
    'cover the true rate %d at correlation %d within intents in at least 93 of 100 experiments, where plain Wilson does not',
    (p, correlation) => {
      const coverage = simulate(p, correlation, 7);
      expect(coverage.clustered).toBeGreaterThanOrEqual(0.93);
      expect(coverage.plain).toBeLessThan(0.9);
    },
  );
});
