/** A run without what grows with every step: what events carry. */
import type { RunRecord } from '../records/run.ts';

export function summaryOf(record: RunRecord): Omit<RunRecord, 'metrics' | 'evaluations'> {
  const { metrics: _metrics, evaluations: _evaluations, ...summary } = record;
  return summary;
}
