/** Time left of a run: steps and evaluations have rates of their own. An estimate from what was measured so far; null before that. */

export interface TrainClock {
  stepped(ms: number): void;
  evaluated(ms: number): void;
  /**
   * @param step steps done
   * @param evaluationShare how much of the evaluation that runs now is done, 0..1; 0 when none runs
   */
  etaMs(step: number, evaluationShare?: number): number | null;
}

/** Steps that count for the rate: the first ones compile shaders, and the machine may slow down later. */
const RECENT_STEPS = 20;

/** @param evaluationsDone of a run that goes on; step 0 counts as one */
export function createTrainClock(maxSteps: number, evalSteps: number, evaluationsDone = 0): TrainClock {
  const stepMs: number[] = [];
  let evaluationMs: number | null = null;
  let evaluationsLeft = 1 + Math.ceil(maxSteps / evalSteps) - evaluationsDone;
  return {
    stepped(ms) {
      stepMs.push(ms);
      if (stepMs.length > RECENT_STEPS) stepMs.shift();
    },
    evaluated(ms) {
      evaluationMs = ms;
      evaluationsLeft--;
    },
    etaMs(step, evaluationShare = 0) {
      if (stepMs.length === 0) return null;
      const sorted = stepMs.toSorted((a, b) => a - b);
      const median = sorted[sorted.length >> 1] as number;
      return (maxSteps - step) * median + Math.max(0, evaluationsLeft - evaluationShare) * (evaluationMs ?? 0);
    },
  };
}
