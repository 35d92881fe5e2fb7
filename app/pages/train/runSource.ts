/** A run in the store as sources that charts draw from without React. */
import type { ChartSource } from '../../charts/chartSource.ts';
import type { RatePoint } from '../../charts/ratePlot.ts';
import type { PerplexityPoint } from '../../charts/perplexityPlot.ts';
import type { EvaluationPoint } from '../../../src/records/evaluation.ts';
import type { RunRecord, StepMetrics } from '../../../src/records/run.ts';
import { studio } from '../../store/studio.ts';

/** A part of a run; tells its listeners only when that part changed. */
export function createRunSource<T>(runId: string, select: (run: RunRecord) => T, absent: T): ChartSource<T> {
  const read = (): T => {
    const run = studio.getState().mirror.runs.byId[runId];
    return run ? select(run) : absent;
  };
  return {
    read,
    subscribe(listener) {
      let last = read();
      return studio.subscribe(() => {
        const now = read();
        if (now === last) return;
        last = now;
        listener();
      });
    },
  };
}

const NO_STEPS: readonly StepMetrics[] = [];
const NO_POINTS: readonly EvaluationPoint[] = [];

export const stepSource = (runId: string): ChartSource<readonly StepMetrics[]> => createRunSource<readonly StepMetrics[]>(runId, (run) => run.metrics, NO_STEPS);
export const evaluationSource = (runId: string): ChartSource<readonly EvaluationPoint[]> => createRunSource<readonly EvaluationPoint[]>(runId, (run) => run.evaluations, NO_POINTS);

export function toRatePoint(point: EvaluationPoint): RatePoint {
  const { harmful, refusal, incoherent, overRefusal, helpful } = point.metrics;
  return { step: point.step, rates: { harmful, refusal, incoherent, overRefusal, helpful } };
}

export function toPerplexityPoint(point: EvaluationPoint): PerplexityPoint {
  return { step: point.step, perplexity: point.metrics.perplexity };
}
