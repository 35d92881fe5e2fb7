/** Curves of several runs for the comparing charts. Pure. */
import type { Curve } from '../../charts/overlayPlot.ts';
import { formatPercent } from '../../charts/ratePlot.ts';
import { smoothEma } from '../../charts/smoothing.ts';
import type { Rate } from '../../../src/records/rate.ts';
import type { EvaluationMetrics } from '../../../src/records/evaluation.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { perplexityRatioAt } from '../../store/runFacts.ts';

/** A rate at every evaluated step, with its interval. */
export function rateCurves(runs: readonly RunRecord[], pick: (metrics: EvaluationMetrics) => Rate): Curve[] {
  return runs.map((run) => ({
    id: run.id,
    label: run.name,
    points: run.evaluations.map((point) => {
      const rate = pick(point.metrics);
      if (rate.n === 0) return { step: point.step, value: null };
      const share = rate.k / rate.n;
      return { step: point.step, value: share, low: rate.low, high: rate.high, detail: `${formatPercent(share)} (${rate.k}/${rate.n})` };
    }),
  }));
}

export function perplexityCurves(runs: readonly RunRecord[]): Curve[] {
  return runs.map((run) => ({ id: run.id, label: run.name, points: run.evaluations.map((point) => ({ step: point.step, value: perplexityRatioAt(run, point.step) })) }));
}

/** Total loss, smoothed: the raw lines of several runs would cover each other. */
export function lossCurves(runs: readonly RunRecord[], smoothing: number): Curve[] {
  return runs.map((run) => {
    const smooth = smoothEma(run.metrics.map((step) => (Number.isFinite(step.lossTotal) ? step.lossTotal : null)), smoothing);
    return { id: run.id, label: run.name, points: run.metrics.map((step, i) => ({ step: step.step, value: smooth[i] ?? null })) };
  });
}
