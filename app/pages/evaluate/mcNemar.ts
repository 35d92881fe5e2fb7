/** Paired comparison of two rates on the same prompts. */

export interface PairedCounts {
  /** Pairs where only the first, or only the second, counts. */
  onlyFirst: number;
  onlySecond: number;
}

/**
 * Two-sided p of McNemar's exact test: how likely so uneven a split of the changed pairs would be if change went either way alike.
 * Pairs are taken as independent; several phrasings of one intent are not quite, so it is somewhat too small.
 * @returns 1 if no pair changed
 * @see McNemar 1947; exact binomial form
 */
export function mcNemarExact({ onlyFirst, onlySecond }: PairedCounts): number {
  const n = onlyFirst + onlySecond;
  const smaller = Math.min(onlyFirst, onlySecond);
  // Sum of binomial probabilities in logs: n can be in the hundreds.
  let logTerm = -n * Math.LN2;
  let tail = 0;
  for (let i = 0; i <= smaller; i++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log(n - i) - Math.log(i + 1);
  }
  return Math.min(1, 2 * tail);
}

/** "p < 0.001", "p = 0.03". */
export function formatP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p < 0.1 ? p.toFixed(3) : p.toFixed(2)}`;
}
