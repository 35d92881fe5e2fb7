/** Runs and times steps of workload S; the same rules for every engine in Node. */
import type { ProgramCounter } from './countPrograms.ts';
import type { StepRequest, StepSample } from './engine.ts';

export interface StepEngine {
  /**
   * Hands over one training step on the batch of that step's index.
   * @returns its loss, which may come later
   */
  step(index: number): Promise<{ loss: Promise<number> }>;
  /** Resolves when everything handed over is done. */
  finish(): Promise<unknown>;
}

/** A loss may be read one step late, as a training loop does; the time ends when all work of all steps is done. */
export function runSteps({ step, finish }: StepEngine, counter: ProgramCounter | null): (request: StepRequest) => Promise<StepSample> {
  return async ({ first, count }) => {
    const losses: Promise<number>[] = [];
    counter?.take();
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      if (i > 1) await losses[i - 2];
      losses.push((await step(first + i)).loss);
    }
    const values = await Promise.all(losses);
    const programs = counter ? counter.take() / count : null;
    await finish();
    return { elapsedMs: performance.now() - started, losses: values, programs };
  };
}
