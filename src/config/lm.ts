/**
 * Reads the contents of a Hugging Face `config.json`: which family it is, and its options as features. Not for single families
 * (families/) nor for parameter names (lmParameters.ts).
 */
import { familyNamed } from './families/registry.ts';
import type { LmConfig } from './lmConfig.ts';

export type { LmConfig } from './lmConfig.ts';
export type { RopeConfig } from './rope.ts';

/**
 * @param untrusted parsed JSON, in the dialect of transformers 4 or 5
 * @throws EngineError bad-config for malformed values, unsupported for valid ones that the engine lacks; the option is named
 */
export function parseLmConfig(untrusted: unknown): LmConfig {
  const modelType: unknown = typeof untrusted === 'object' && untrusted !== null && 'model_type' in untrusted ? untrusted.model_type : undefined;
  return familyNamed(modelType).parse(untrusted);
}
