/** Time left of a run: steps and evaluations have rates of their own. An estimate from what was measured so far; null before that. */

export interface TrainClock {
  stepped(ms: number): void;
  evaluated(ms: number): void;
  etaMs(step: number): number | null;
}

/** Steps that count for the rate: the first ones compile shaders, and the machine may slow down later. */
const RECENT_STEPS = 20;

export function createTrainClock(maxSteps: number, evalSteps: number): TrainClock {
  const stepMs: number[] = [];
  let evaluationMs: number | null = null;
  return {
    stepped(ms) {
      stepMs.push(ms);
      if (stepMs.length > RECENT_STEPS) stepMs.shift();
    },
    evaluated(ms) {
      evaluationMs = ms;
    },
    etaMs(step) {
      if (stepMs.length === 0) return null;
      const sorted = stepMs.toSorted((a, b) => a - b);
      const median = sorted[sorted.length >> 1] as number;
      const evaluationsLeft = Math.ceil(maxSteps / evalSteps) - Math.floor(step / evalSteps);
      return (maxSteps - step) * median + Math.max(0, evaluationsLeft) * (evaluationMs ?? 0);
    },
  };
}
