/** Makes what a run trains: a copy of every weight, or an adapter beside the frozen ones. */
import type { TrainConfig } from '../config/train.ts';
import { createAdapter, initialAdapter, withAdapter } from '../lm/adapter.ts';
import { cloneLm } from '../lm/cloneLm.ts';
import type { LanguageModel } from '../lm/params.ts';

/**
 * @param base borrowed for the life of the result
 * @returns owned by the caller; it says what the base says
 * @throws EngineError bad-config for targets that the LM lacks, unsupported or out-of-memory where the device has no room
 */
export async function openTrained(base: LanguageModel, { trainingMethod, lora, seed }: Pick<TrainConfig, 'trainingMethod' | 'lora' | 'seed'>): Promise<LanguageModel> {
  if (trainingMethod === 'full') return cloneLm(base);
  return withAdapter(base, createAdapter(base.config, lora, initialAdapter(base.config, lora, seed)));
}
