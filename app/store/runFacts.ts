/** What pages say of a run, derived from its record. Pure selectors. */
import type { EvaluationPoint } from '../../src/records/evaluation.ts';
import type { RunRecord, RunStatus } from '../../src/records/run.ts';

/** The evaluation at a step, or null if that step was not evaluated. */
export function evaluationAt(run: RunRecord, step: number | null): EvaluationPoint | null {
  return run.evaluations.find((point) => point.step === step) ?? null;
}

/** The base LM, as the run measured it at step 0. */
export function baselineOf(run: RunRecord): EvaluationPoint | null {
  return evaluationAt(run, 0);
}

/** Everyday perplexity at a step over the base LM's; null if either was not measured. */
export function perplexityRatioAt(run: RunRecord, step: number | null): number | null {
  const point = evaluationAt(run, step);
  const base = baselineOf(run);
  if (!point || !base) return null;
  const ratio = point.metrics.perplexity / base.metrics.perplexity;
  return Number.isFinite(ratio) ? ratio : null;
}

/** Whether the run can go on from its last saved state. */
export function isResumable(run: RunRecord): boolean {
  return (run.status === 'interrupted' || run.status === 'failed' || run.status === 'stopped') && run.step < run.config.maxSteps && run.checkpointSteps.length > 0;
}

/** The step a resumed run goes on from. */
export function resumeStep(run: RunRecord): number {
  return run.savedStep ?? 0;
}

export const RUN_STATUS_WORDS: Record<RunStatus, string> = {
  running: 'Running',
  paused: 'Paused',
  completed: 'Completed',
  stopped: 'Stopped early',
  failed: 'Failed',
  interrupted: 'Interrupted',
};

/** Whether the run has weights that can be used: a chosen best step, or an adapter that was brought. */
export function hasWeights(run: RunRecord): boolean {
  return run.bestStep !== null || run.imported === true;
}
