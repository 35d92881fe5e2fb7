/** Time left of a job, from the rate of its present phase so far. Not a promise: null until something has been done. */
import type { JobProgress } from '../protocol/views.ts';

export type ProgressReport = Omit<JobProgress, 'elapsedMs' | 'etaMs'> & { etaMs?: number | null };

/** Below this share of a phase its rate says nothing: batches finish together, and the first one brings the warm-up. */
const MIN_SHARE = 0.02;

/** Turns raw counts into a JobProgress. @param activeMs time the job has run, pauses left out */
export function createProgressEstimate(): (report: ProgressReport, activeMs: number) => JobProgress {
  let phase = '';
  let phaseStartMs = 0;
  let doneAtStart = 0;
  return (report, activeMs) => {
    if (report.phase !== phase || report.done < doneAtStart) {
      phase = report.phase;
      phaseStartMs = activeMs;
      doneAtStart = report.done;
    }
    const made = report.done - doneAtStart;
    const etaMs = made > 0 && made >= MIN_SHARE * (report.total - doneAtStart) ? ((activeMs - phaseStartMs) / made) * Math.max(0, report.total - report.done) : null;
    return { ...report, elapsedMs: activeMs, etaMs: report.etaMs === undefined ? etaMs : report.etaMs };
  };
}
