/** What the workloads measured, on its way to results.json and to the table. */
import type { Measure } from './resultSchema.ts';
import { ratioOf, type Rounds, summarize } from './statistics.ts';

export class Report {
  readonly workloads: Record<string, Measure> = {};
  readonly ratios: Record<string, number | null> = {};
  readonly spreads: Record<string, [number, number]> = {};
  readonly notMeasured: Record<string, string> = {};
  readonly peers: Record<string, string> = {};

  /** @param values one a round; nothing is entered for none */
  measure(name: string, unit: string, values: Iterable<number>, better: 'higher' | 'lower', note?: string): void {
    const all = [...values];
    if (all.length === 0) return;
    const { median, quartiles, best, rounds } = summarize(all, better);
    this.workloads[name] = { unit, median, iqr: quartiles, best, rounds, ...(note ? { note } : {}) };
  }

  /** A ratio of two subjects of one interleaved run. A missing one gives null and the reason. */
  ratio(name: string, numerator: Rounds | undefined, denominator: Rounds | undefined, reason: string): void {
    if (!numerator?.size || !denominator?.size) return this.missing(name, reason);
    const { median, quartiles } = ratioOf(numerator, denominator);
    this.ratios[name] = median;
    this.spreads[name] = quartiles;
  }

  value(name: string, value: number): void {
    this.ratios[name] = value;
  }

  /** A ratio that has no number. */
  missing(name: string, reason: string): void {
    this.ratios[name] = null;
    this.notMeasured[name] = reason;
  }
}
