/**
 * Configuration of a language model: Hugging Face `config.json` keys in camelCase, 1:1.
 * Only the llama family so far; an unknown `model_type` or option is named in the error.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';

export interface LmConfig {
  modelType: 'llama';
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  maxPositionEmbeddings: number;
  rmsNormEps: number;
  ropeTheta: number;
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
  padTokenId: number | null;
}

const count = z.number().int().positive();
const tokenId = z.number().int().nonnegative();
const rawLlama = z.object({
  model_type: z.literal('llama'),
  vocab_size: count,
  hidden_size: count,
  intermediate_size: count,
  num_hidden_layers: count,
  num_attention_heads: count,
  num_key_value_heads: count.optional(),
  head_dim: count.nullish(),
  max_position_embeddings: count.default(2048),
  rms_norm_eps: z.number().positive().default(1e-6),
  rope_theta: z.number().positive().optional(),
  rope_parameters: z.object({ rope_theta: z.number().positive().optional(), rope_type: z.string().optional() }).loose().nullish(),
  rope_scaling: z.unknown().optional(),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: tokenId.nullish(),
});

/**
 * Parses the contents of a Hugging Face `config.json`.
 * @throws EngineError bad-config for malformed values, unsupported for valid ones that the engine lacks
 */
export function parseLmConfig(untrusted: unknown): LmConfig {
  const modelType = (untrusted as { model_type?: unknown } | null)?.model_type;
  if (typeof modelType === 'string' && modelType !== 'llama')
    throw new EngineError('unsupported', `config.json: model_type "${modelType}" is not supported; supported: llama.`);
  const parsed = rawLlama.safeParse(untrusted);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EngineError('bad-config', `config.json: ${issue ? `${issue.path.join('.') || 'file'}: ${issue.message}` : 'invalid'}.`);
  }
  const raw = parsed.data;
  const unsupported = (what: string) => new EngineError('unsupported', `config.json: ${what} is not supported.`);
  if (raw.hidden_act !== 'silu') throw unsupported(`hidden_act "${raw.hidden_act}"`);
  if (raw.attention_bias) throw unsupported('attention_bias: true');
  if (raw.mlp_bias) throw unsupported('mlp_bias: true');
  const ropeType = raw.rope_parameters?.rope_type ?? 'default';
  if (raw.rope_scaling != null || ropeType !== 'default') throw unsupported('RoPE scaling');
  const numKeyValueHeads = raw.num_key_value_heads ?? raw.num_attention_heads;
  const headDim = raw.head_dim ?? raw.hidden_size / raw.num_attention_heads;
  if (!Number.isInteger(headDim) || headDim % 2 !== 0)
    throw new EngineError('bad-config', `config.json: head_dim ${headDim} must be an even whole number.`);
  if (raw.num_attention_heads % numKeyValueHeads !== 0)
    throw new EngineError('bad-config', 'config.json: num_attention_heads must be a multiple of num_key_value_heads.');
  const eos = raw.eos_token_id;
  return {
    modelType: 'llama',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    numHiddenLayers: raw.num_hidden_layers,
    numAttentionHeads: raw.num_attention_heads,
    numKeyValueHeads,
    headDim,
    maxPositionEmbeddings: raw.max_position_embeddings,
    rmsNormEps: raw.rms_norm_eps,
    ropeTheta: raw.rope_parameters?.rope_theta ?? raw.rope_theta ?? 10000,
    tieWordEmbeddings: raw.tie_word_embeddings,
    bosTokenId: raw.bos_token_id ?? null,
    eosTokenIds: eos == null ? [] : Array.isArray(eos) ? eos : [eos],
    padTokenId: raw.pad_token_id ?? null,
  };
}
