/** Runs and times steps of workload S; the same code for every engine in Node. */
import type { ProgramCounter } from './countPrograms.ts';
import type { StepRequest, StepSample } from './engine.ts';

/** @param step one training step on the batch of that step's index; resolves with the loss when all its work is done */
export function runSteps(step: (index: number) => Promise<number>, counter: ProgramCounter | null): (request: StepRequest) => Promise<StepSample> {
  return async ({ first, count }) => {
    const losses: number[] = [];
    const programs: number[] = [];
    counter?.take();
    const started = performance.now();
    for (let i = 0; i < count; i++) {
      losses.push(await step(first + i));
      if (counter) programs.push(counter.take());
    }
    return { elapsedMs: performance.now() - started, losses, programs: counter ? programs : null };
  };
}
