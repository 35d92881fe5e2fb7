/** Full fine-tune or adapter: what suits a model's size. Pure. */
import type { ModelView } from '../../src/protocol/views.ts';

/** Above this many parameters gradients and both moments of all of them weigh more than small devices have. */
export const LARGE_PARAMETERS = 50_000_000;

/** @returns the method, and why, in one sentence */
export function suggestMethod(model: Pick<ModelView, 'parameterCount' | 'storage' | 'name'>): { method: 'full' | 'lora'; reason: string } {
  if (model.storage !== 'f32') return { method: 'lora', reason: `The weights of ${model.name} lie packed in 16 bits and stay as they are; an adapter is trained beside them, with gradient checkpointing to save memory.` };
  if (model.parameterCount > LARGE_PARAMETERS) return { method: 'lora', reason: `${model.name} is large: an adapter with gradient checkpointing needs a fraction of the memory.` };
  return { method: 'full', reason: `${model.name} is small enough to train every weight.` };
}
