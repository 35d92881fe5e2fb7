/** The learning rate of each optimizer step. Not for adapting it to the loss. */
import type { TrainConfig } from '../config/train.ts';

/**
 * Linear warm-up, then constant, linear to 0 or half a cosine to 0.
 * Differs from Transformers: step 1 already has learningRate / warmupSteps, and the last step is not yet at 0, so
 * that no step is wasted.
 * @param step 1-based optimizer step
 */
export function learningRateAt(step: number, config: Pick<TrainConfig, 'learningRate' | 'warmupSteps' | 'maxSteps' | 'lrSchedulerType'>): number {
  const { learningRate, warmupSteps, maxSteps, lrSchedulerType } = config;
  if (step <= warmupSteps) return (learningRate * step) / warmupSteps;
  if (lrSchedulerType === 'constant') return learningRate;
  const progress = Math.min(1, (step - 1 - warmupSteps) / Math.max(1, maxSteps - warmupSteps));
  return lrSchedulerType === 'linear' ? learningRate * (1 - progress) : (learningRate * (1 + Math.cos(Math.PI * progress))) / 2;
}
