/** One real training step on the loaded LM with the person's own rows: how long, how much memory, what fits. */
import type { TrainConfig } from '../../src/config/train.ts';
import type { StepMeasurement } from '../../src/protocol/views.ts';
import { studio } from '../store/studio.ts';
import { collectTrainingRows } from '../store/trainingRows.ts';
import { askJob } from './engine.ts';

/** @returns the measurement, or why there is none; both null when it was cancelled */
export async function measureStep(config: TrainConfig): Promise<{ measurement: StepMeasurement | null; problem: string | null }> {
  const outcome = await askJob('measureStep', { config, data: collectTrainingRows(studio.getState().project) });
  return 'result' in outcome ? { measurement: outcome.result, problem: null } : { measurement: null, problem: outcome.failure?.message ?? null };
}
