/**
 * Reads the contents of a Hugging Face `config.json`: which family it is, and its options as features. Not for single families
 * (families/) nor for parameter names (lmParameters.ts).
 */
import { EngineError } from '../base/errors.ts';
import { familyNamed } from './families/registry.ts';
import type { LmConfig } from './lmConfig.ts';

export type { LmConfig } from './lmConfig.ts';
export type { RopeConfig } from './rope.ts';

/** Features that the families have but the LM cannot compute yet, most particular first. */
function missingFeature(config: LmConfig): string | null {
  if (config.sandwichNorms) return 'norms after attention and MLP';
  if (config.embeddingScale !== 1) return 'scaled embeddings';
  if (config.qkNorm) return 'norms of queries and keys';
  if (config.parallelResidual) return 'use_parallel_residual: true';
  if (config.slidingWindow !== null) return `sliding_window ${config.slidingWindow}`;
  if (config.rope?.scaling) return 'RoPE scaling';
  if (config.rope && config.rope.rotaryDim !== config.headDim) return `RoPE over ${config.rope.rotaryDim} of ${config.headDim} values of a head`;
  if (config.rope && config.norm === 'layer') return `model_type "${config.modelType}"`;
  if (config.gatedMlp && config.hiddenAct !== 'silu') return `a gated MLP with ${config.hiddenAct}`;
  if (config.attentionScale !== config.headDim ** -0.5) return `attention scaled by ${config.attentionScale}`;
  if (config.rope && (config.qkvBias || config.attentionOutputBias)) return 'attention_bias: true';
  if (config.rope && config.mlpBias) return 'mlp_bias: true';
  return null;
}

/**
 * @param untrusted parsed JSON, in the dialect of transformers 4 or 5
 * @throws EngineError bad-config for malformed values, unsupported for valid ones that the engine lacks; the option is named
 */
export function parseLmConfig(untrusted: unknown): LmConfig {
  const modelType: unknown = typeof untrusted === 'object' && untrusted !== null && 'model_type' in untrusted ? untrusted.model_type : undefined;
  const config = familyNamed(modelType).parse(untrusted);
  const missing = missingFeature(config);
  if (missing) throw new EngineError('unsupported', `config.json: ${missing} is not supported.`);
  return { ...config, ropeTheta: config.rope?.theta ?? null };
}
