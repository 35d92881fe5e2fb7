/** Merged Hugging Face folder of some weights, read back and verified by the engine. Zipping and saving are the page's. */
import type { Jobs } from '../../src/protocol/jobs.ts';
import type { WeightsRef } from '../../src/protocol/views.ts';
import { runJob } from './engine.ts';

/** @returns the folder's files with what the verification found; null if it failed or was cancelled (told by notice) */
export function exportModel(weights: WeightsRef): Promise<Jobs['exportModel']['result'] | null> {
  return runJob('exportModel', { weights });
}
