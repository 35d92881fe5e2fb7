/** One real training step on the loaded LM with the person's own rows: how long, how much memory, what fits. */
import type { TrainConfig } from '../../src/config/train.ts';
import type { StepMeasurement } from '../../src/protocol/views.ts';
import { studio } from '../store/studio.ts';
import { collectTrainingRows } from '../store/trainingRows.ts';
import { askJob } from './engine.ts';

/**
 * Before anything is labelled, benign rows stand in for the unsafe ones: time and memory depend on lengths, not on meanings.
 * @returns the measurement, or why there is none; both null when it was cancelled
 */
export async function measureStep(config: TrainConfig): Promise<{ measurement: StepMeasurement | null; problem: string | null; stoodIn: boolean }> {
  const rows = collectTrainingRows(studio.getState().project);
  const stoodIn = rows.unsafe.length === 0;
  const data = stoodIn ? { ...rows, unsafe: [...rows.borderline, ...rows.everyday] } : rows;
  const outcome = await askJob('measureStep', { config, data });
  return 'result' in outcome ? { measurement: outcome.result, problem: null, stoodIn } : { measurement: null, problem: outcome.failure?.message ?? null, stoodIn };
}
