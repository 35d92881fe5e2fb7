/** Median, quartiles and best of repeated timings. Not for tests of hypotheses. */

export interface Summary {
  median: number;
  /** Lower and upper quartile. */
  quartiles: [number, number];
  best: number;
  rounds: number;
}

/** Quantile of sorted values by linear interpolation (type 7). @param sorted ascending, not empty */
function quantileOf(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)]!, sorted[Math.ceil(at)]!];
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * @param better which end is the best one
 * @throws RangeError for no values or one that is not finite
 */
export function summarize(values: readonly number[], better: 'higher' | 'lower'): Summary {
  if (values.length === 0 || !values.every(Number.isFinite)) throw new RangeError(`Cannot summarize [${values.join(', ')}].`);
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantileOf(sorted, 0.5),
    quartiles: [quantileOf(sorted, 0.25), quantileOf(sorted, 0.75)],
    best: better === 'higher' ? sorted.at(-1)! : sorted[0]!,
    rounds: sorted.length,
  };
}

/** Samples of one subject by round; a round in which it did not take part is missing. */
export type Rounds = ReadonlyMap<number, number>;

/**
 * Ratio of two subjects: the median over the rounds that both took part in, which cancels what slows the machine for a while.
 * @throws RangeError if they share no round
 */
export function ratioOf(numerator: Rounds, denominator: Rounds): Summary {
  const shared = [...numerator.keys()].filter((round) => denominator.has(round));
  return summarize(shared.map((round) => numerator.get(round)! / denominator.get(round)!), 'higher');
}

/**
 * Whether a subject that can afford `affordable` of `rounds` turns takes part in this round: spread over the run, always in the first.
 */
export function takesPart(round: number, rounds: number, affordable: number): boolean {
  const turnsBefore = (r: number): number => Math.ceil((r * Math.min(affordable, rounds)) / rounds);
  return turnsBefore(round + 1) > turnsBefore(round);
}

/**
 * Checks that all engines compute the same. The judge is the median of all losses of a step.
 * @returns by name, what is wrong; absent where nothing is
 */
export function disagreements(losses: ReadonlyMap<string, readonly number[]>, tolerance: number): Map<string, string> {
  const wrong = new Map<string, string>();
  const steps = Math.max(0, ...[...losses.values()].map(({ length }) => length));
  for (let step = 0; step < steps; step++) {
    const values = [...losses.values()].map((of) => of[step] ?? NaN);
    const { median } = summarize(values.filter(Number.isFinite), 'lower');
    for (const [name, of] of losses) {
      const value = of[step] ?? NaN;
      if (!(Math.abs(value - median) <= tolerance) && !wrong.has(name)) wrong.set(name, `loss of step ${step + 1} is ${value.toFixed(5)}, that of most engines ${median.toFixed(5)}`);
    }
  }
  return wrong;
}
