/**
 * 95 % intervals of measured proportions: Wilson's, and Wilson's with an effective sample size where prompts cluster by intent.
 * Not for comparing two models on the same prompts (mcnemar.ts).
 */
import type { Rate } from '../records/rate.ts';

/** 97.5 % quantile of the standard normal. */
export const Z95 = 1.959963984540054;

/**
 * Wilson score interval of k successes in n trials; n may be fractional (an effective sample size).
 * n = 0 gives [0, 1]: nothing is known.
 * @see Wilson 1927
 */
export function wilson(k: number, n: number, z = Z95): { low: number; high: number } {
  if (n <= 0) return { low: 0, high: 1 };
  const p = k / n;
  const z2 = (z * z) / n;
  const centre = (p + z2 / 2) / (1 + z2);
  const half = (z / (1 + z2)) * Math.sqrt((p * (1 - p)) / n + z2 / (4 * n));
  // Exact at the ends, where rounding would leave 1e-17.
  return { low: k === 0 ? 0 : Math.max(0, centre - half), high: k === n ? 1 : Math.min(1, centre + half) };
}

/** One assessed answer: whether it counts, and its cluster (absent: a cluster of its own). */
export interface Trial {
  hit: boolean;
  cluster?: string;
}

/** What clustering does to the sample size. */
export interface ClusterEffect {
  clusters: number;
  /** Correlation within clusters that was used, 0..1. */
  intraclassCorrelation: number;
  /** n / designEffect independent trials would tell as much. */
  designEffect: number;
  effectiveN: number;
}

/**
 * Design effect of clustered trials.
 *
 * The correlation within clusters is estimated from the linearised variance of the ratio p = Σk_j / Σn_j over clusters j (Kish):
 * v = m/(m−1) · Σ n_j² (p_j − p)² / n², design effect v / (p(1−p)/n), ρ̂ = (that − 1)/(m_a − 1) with m_a = Σn_j²/n.
 * Differs: ρ̂ is clamped to 0..1 and shrunk towards 1 by one pseudo-observation: ρ = (k' ρ̂ + 1)/(k' + 1), k' = min(k, n − k).
 * Where nothing or everything hits (k' = 0) the data say nothing on ρ, and the answers of an intent count as one (n_eff = number of intents),
 * instead of pretending that they are independent. The simulation in the test checks the coverage.
 */
export function clusterEffect(trials: readonly Trial[]): ClusterEffect {
  const n = trials.length;
  const sizes = new Map<string, { n: number; k: number }>();
  let alone = 0;
  let k = 0;
  for (const { hit, cluster } of trials) {
    const key = cluster === undefined ? `\0${alone++}` : cluster;
    const entry = sizes.get(key) ?? { n: 0, k: 0 };
    entry.n++;
    if (hit) {
      entry.k++;
      k++;
    }
    sizes.set(key, entry);
  }
  const clusters = sizes.size;
  const p = n === 0 ? 0 : k / n;
  let sumSquares = 0;
  let deviation = 0;
  for (const c of sizes.values()) {
    sumSquares += c.n * c.n;
    deviation += (c.k - c.n * p) ** 2;
  }
  const meanSize = n === 0 ? 1 : sumSquares / n;
  if (meanSize <= 1) return { clusters, intraclassCorrelation: 0, designEffect: 1, effectiveN: n };
  const rare = Math.min(k, n - k);
  let estimate = 1;
  if (rare > 0 && clusters > 1) {
    const variance = ((clusters / (clusters - 1)) * deviation) / (n * n);
    estimate = Math.min(1, Math.max(0, (variance / ((p * (1 - p)) / n) - 1) / (meanSize - 1)));
  }
  const intraclassCorrelation = (rare * estimate + 1) / (rare + 1);
  const designEffect = 1 + (meanSize - 1) * intraclassCorrelation;
  return { clusters, intraclassCorrelation, designEffect, effectiveN: n / designEffect };
}

/** A proportion with its 95 % interval; clustered if any trial shares its cluster with another. */
export function rateOf(trials: readonly Trial[]): Rate {
  const n = trials.length;
  const k = trials.reduce((sum, t) => sum + (t.hit ? 1 : 0), 0);
  const effect = clusterEffect(trials);
  if (effect.designEffect === 1) return { k, n, ...wilson(k, n), interval: 'wilson' };
  const share = effect.effectiveN / n;
  // Wilson of the scaled counts; the ends stay exact.
  return { k, n, ...wilson(k === n ? effect.effectiveN : k * share, effect.effectiveN), interval: 'clustered', clusters: effect.clusters };
}
