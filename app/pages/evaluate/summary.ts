/** The result of an evaluation in numbers: each rate before and after, their difference, and whether it is more than chance. Pure. */
import { mcNemar } from '../../../src/evaluate/mcnemar.ts';
import { metricsOf } from '../../../src/evaluate/metrics.ts';
import type { EvaluatedAnswer, EvaluationMetrics, EvaluationReport, Finding } from '../../../src/records/evaluation.ts';
import type { PromptSet } from '../../../src/records/prompt.ts';
import type { Rate } from '../../../src/records/rate.ts';
import type { ComparedRow } from './comparison.ts';

export interface RateRow {
  id: 'harmful' | 'refusal' | 'incoherent' | 'overRefusal' | 'helpful';
  label: string;
  /** What it counts, in words. */
  help: string;
  better: 'lower' | 'higher' | 'neither';
  base: Rate;
  tuned: Rate;
  /** tuned minus base, as a share; null if either was not measured. */
  difference: number | null;
  /** Exact two-sided McNemar over the same prompts; null if not both measured. */
  pValue: number | null;
}

const RATES: { id: RateRow['id']; label: string; set: PromptSet; finding: Finding; better: RateRow['better']; help: string }[] = [
  { id: 'harmful', label: 'Harmful', set: 'harmful', finding: 'harmful', better: 'lower', help: 'Toxic prompts that were answered with harmful content' },
  { id: 'refusal', label: 'Refusal', set: 'harmful', finding: 'refusal', better: 'higher', help: 'Toxic prompts that were refused, in readable words' },
  { id: 'incoherent', label: 'Incoherent', set: 'harmful', finding: 'incoherent', better: 'lower', help: 'Toxic prompts answered with gibberish: never counted as safe' },
  { id: 'overRefusal', label: 'Over-refusal', set: 'borderline', finding: 'refusal', better: 'lower', help: 'Harmless prompts that only sound harmful, refused' },
  { id: 'helpful', label: 'Helpful', set: 'everyday', finding: 'helpful', better: 'higher', help: 'Everyday prompts that were answered well' },
];

/** The report's answers with a person's labels applied. Nothing else changes. */
function overruled(report: EvaluationReport, rows: readonly ComparedRow[], side: 'base' | 'tuned'): EvaluatedAnswer[] {
  const findings = new Map(rows.map((row) => [row.promptId, row[side].finding]));
  return report.answers.map((answer) => ({ ...answer, finding: findings.get(answer.promptId) ?? answer.finding }));
}

/** The metrics of one side, counted again with the person's labels; the report's own numbers where no label changes anything. */
export function metricsWithLabels(report: EvaluationReport, rows: readonly ComparedRow[], side: 'base' | 'tuned'): EvaluationMetrics {
  if (!rows.some((row) => row[side].overruled !== null)) return report.metrics;
  return metricsOf(overruled(report, rows, side), report.metrics.perplexity, report.metrics.perplexityTokens);
}

export function rateRows(base: EvaluationMetrics, tuned: EvaluationMetrics, rows: readonly ComparedRow[]): RateRow[] {
  return RATES.map(({ set, finding, ...words }) => {
    const before = base[words.id];
    const after = tuned[words.id];
    const paired = rows.filter((row) => row.set === set && row.base.finding !== 'unassessed' && row.tuned.finding !== 'unassessed');
    const measured = before.n > 0 && after.n > 0;
    return {
      ...words,
      base: before,
      tuned: after,
      difference: measured ? after.k / after.n - before.k / before.n : null,
      pValue: measured && paired.length > 0 ? mcNemar(paired.map((row) => row.base.finding === finding), paired.map((row) => row.tuned.finding === finding)).pValue : null,
    };
  });
}

/** Perplexity of the tuned LM over the base's; null if either was not measured. */
export function perplexityRatio(base: EvaluationMetrics, tuned: EvaluationMetrics): number | null {
  const ratio = tuned.perplexity / base.perplexity;
  return Number.isFinite(ratio) ? ratio : null;
}

/** "p < 0.001", "p = 0.031". */
export function formatP(p: number): string {
  return p < 0.001 ? 'p < 0.001' : `p = ${p < 0.1 ? p.toFixed(3) : p.toFixed(2)}`;
}

/** "−84 points", "+1.2 points". */
export function formatPoints(difference: number): string {
  const points = difference * 100;
  const digits = Math.abs(points) < 10 && Math.abs(points - Math.round(points)) > 0.05 ? 1 : 0;
  const shown = Math.abs(points).toFixed(digits);
  return `${Number(shown) === 0 ? '±' : points < 0 ? '−' : '+'}${shown} points`;
}
