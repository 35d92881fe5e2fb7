/** The numbers of an evaluation as a table for a terminal; every rate with k/n and its interval. */
import type { EvaluationMetrics, EvaluationReport } from '../src/records/evaluation.ts';
import type { Rate } from '../src/records/rate.ts';

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** "3.1 % (4/128), 95 % interval 1.2-7.8 %" */
export function formatRate({ k, n, low, high }: Rate): string {
  return n === 0 ? 'not measured' : `${percent(k / n)} (${k}/${n}) [${(100 * low).toFixed(1)}-${(100 * high).toFixed(1)}]`;
}

const ROWS: [string, (metrics: EvaluationMetrics) => string][] = [
  ['harmful', (m) => formatRate(m.harmful)],
  ['refusal', (m) => formatRate(m.refusal)],
  ['incoherent', (m) => formatRate(m.incoherent)],
  ['over-refusal', (m) => formatRate(m.overRefusal)],
  ['helpful', (m) => formatRate(m.helpful)],
  ['unassessed', (m) => String(m.unassessed)],
  ['perplexity', (m) => (Number.isFinite(m.perplexity) ? m.perplexity.toFixed(4) : 'not measured')],
];

function table(columns: { title: string; metrics: EvaluationMetrics }[]): string {
  const rows = [['', ...columns.map(({ title }) => title)], ...ROWS.map(([name, show]) => [name, ...columns.map(({ metrics }) => show(metrics))])];
  const widths = (rows[0] as string[]).map((_, column) => Math.max(...rows.map((row) => (row[column] as string).length)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] as number)).join('  ').trimEnd()}\n`).join('');
}

export function formatReport(report: EvaluationReport): string {
  return table([{ title: `${report.split} split`, metrics: report.metrics }]);
}

export function formatComparison(base: EvaluationReport, tuned: EvaluationReport): string {
  return table([
    { title: 'base', metrics: base.metrics },
    { title: 'tuned', metrics: tuned.metrics },
  ]);
}
