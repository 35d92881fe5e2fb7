/** The families that the engine knows, by `model_type`. */
import { EngineError } from '../../base/errors.ts';
import type { LmConfig } from '../lmConfig.ts';
import type { Family } from './family.ts';
import { gemma, gemma3Text } from './gemma.ts';
import { gpt2 } from './gpt2.ts';
import { gptNeo } from './gptNeo.ts';
import { gptNeox } from './gptNeox.ts';
import { llama } from './llama.ts';
import { mistral } from './mistral.ts';
import { qwen2, qwen3 } from './qwen.ts';

const families = new Map<string, Family>([gpt2, gptNeo, gptNeox, llama, mistral, qwen2, qwen3, gemma, gemma3Text].map((family) => [family.modelType, family]));

export const supportedModelTypes: readonly string[] = [...families.keys()];

/** What to bring instead of a checkpoint that is nearly one of ours. */
const hints: Record<string, string> = {
  gemma3: ' This checkpoint also sees pictures; take one for text alone, such as gemma-3-270m or gemma-3-1b.',
};

/** @param modelType of a `config.json`, unchecked @throws EngineError bad-config, unsupported */
export function familyNamed(modelType: unknown): Family {
  if (typeof modelType !== 'string') throw new EngineError('bad-config', 'config.json: model_type is missing.');
  const family = families.get(modelType);
  if (family) return family;
  const hint = Object.hasOwn(hints, modelType) ? hints[modelType]! : '';
  throw new EngineError('unsupported', `config.json: model_type "${modelType.slice(0, 60)}" is not supported; supported: ${supportedModelTypes.join(', ')}.${hint}`);
}

export const familyOf = (config: Pick<LmConfig, 'modelType'>): Family => familyNamed(config.modelType);
