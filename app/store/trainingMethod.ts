/** Full fine-tune or adapter: what suits a model's size. Pure. */
import { defaultLearningRate, defaultTrainConfig, type TrainConfig } from '../../src/config/train.ts';
import type { ModelView } from '../../src/protocol/views.ts';

/** Above this many parameters gradients and both moments of all of them weigh more than small devices have. */
export const LARGE_PARAMETERS = 50_000_000;

/** @returns the method, and why, in one sentence */
export function suggestMethod(model: Pick<ModelView, 'parameterCount' | 'storage' | 'name'>): { method: 'full' | 'lora'; reason: string } {
  if (model.storage !== 'f32') return { method: 'lora', reason: `The weights of ${model.name} lie packed in 16 bits and stay as they are; an adapter is trained beside them, with gradient checkpointing to save memory.` };
  if (model.parameterCount > LARGE_PARAMETERS) return { method: 'lora', reason: `${model.name} is large: an adapter with gradient checkpointing needs a fraction of the memory.` };
  return { method: 'full', reason: `${model.name} is small enough to train every weight.` };
}

/** Chat templates of real models say more than the demo model's around every row. Tokens. */
const LORA_MAX_LENGTH = 256;

/** The settings with another method, and its learning rate unless the person chose one. */
export function withMethod(config: TrainConfig, method: TrainConfig['trainingMethod']): TrainConfig {
  const untouched = config.learningRate === defaultLearningRate(config.trainingMethod);
  return { ...config, trainingMethod: method, learningRate: untouched ? defaultLearningRate(method) : config.learningRate };
}

/** What is preselected when a model was loaded: the method, its learning rate, and for large models settings that save memory. */
export function withDefaultsFor(config: TrainConfig, method: TrainConfig['trainingMethod']): TrainConfig {
  const { maxLength } = defaultTrainConfig;
  const untouched = config.maxLength === maxLength || config.maxLength === LORA_MAX_LENGTH;
  // What an adapter saves in weights is lost again if every layer's activations are kept.
  return { ...withMethod(config, method), gradientCheckpointing: method === 'lora', maxLength: untouched ? (method === 'lora' ? LORA_MAX_LENGTH : maxLength) : config.maxLength };
}
