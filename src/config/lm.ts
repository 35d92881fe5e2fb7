/**
 * Configuration of a language model: Hugging Face `config.json` keys in camelCase, in llama's words for every family.
 * Families: llama, gpt2; an unknown `model_type` or option is named in the error.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';

export interface LmConfig {
  modelType: 'llama' | 'gpt2';
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  maxPositionEmbeddings: number;
  /** Of the MLP: SwiGLU, GELU in its tanh form, exact GELU. */
  hiddenAct: 'silu' | 'gelu_new' | 'gelu';
  normEps: number;
  /** null where positions are learned. */
  ropeTheta: number | null;
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

const rawGpt2 = z.object({
  model_type: z.literal('gpt2'),
  vocab_size: count,
  n_embd: count,
  n_layer: count,
  n_head: count,
  n_inner: count.nullish(),
  n_positions: count.default(1024),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: z.number().positive().default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
  bos_token_id: tokenId.nullish(),
  eos_token_id: z.union([tokenId, z.array(tokenId)]).nullish(),
  pad_token_id: tokenId.nullish(),
});

const unsupported = (what: string) => new EngineError('unsupported', `config.json: ${what} is not supported.`);

function parseAs<Schema extends z.ZodType>(schema: Schema, untrusted: unknown): z.output<Schema> {
  const parsed = schema.safeParse(untrusted);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EngineError('bad-config', `config.json: ${issue ? `${issue.path.join('.') || 'file'}: ${issue.message}` : 'invalid'}.`);
}

type RawTokenIds = Pick<z.output<typeof rawLlama>, 'bos_token_id' | 'eos_token_id' | 'pad_token_id'>;

function tokenIdsOf({ bos_token_id: bos, eos_token_id: eos, pad_token_id: pad }: RawTokenIds): Pick<LmConfig, 'bosTokenId' | 'eosTokenIds' | 'padTokenId'> {
  return { bosTokenId: bos ?? null, eosTokenIds: eos == null ? [] : Array.isArray(eos) ? eos : [eos], padTokenId: pad ?? null };
}

/**
 * Parses the contents of a Hugging Face `config.json`.
 * @throws EngineError bad-config for malformed values, unsupported for valid ones that the engine lacks
 */
export function parseLmConfig(untrusted: unknown): LmConfig {
  const modelType = (untrusted as { model_type?: unknown } | null)?.model_type;
  if (typeof modelType === 'string' && modelType !== 'llama' && modelType !== 'gpt2')
    throw new EngineError('unsupported', `config.json: model_type "${modelType}" is not supported; supported: llama, gpt2.`);
  return modelType === 'gpt2' ? parseGpt2(untrusted) : parseLlama(untrusted);
}

function parseGpt2(untrusted: unknown): LmConfig {
  const raw = parseAs(rawGpt2, untrusted);
  const { activation_function: hiddenAct } = raw;
  if (hiddenAct !== 'gelu_new' && hiddenAct !== 'gelu') throw unsupported(`activation_function "${hiddenAct}"`);
  if (!raw.scale_attn_weights) throw unsupported('scale_attn_weights: false');
  if (raw.scale_attn_by_inverse_layer_idx) throw unsupported('scale_attn_by_inverse_layer_idx: true');
  if (raw.add_cross_attention) throw unsupported('add_cross_attention: true');
  if (raw.n_embd % raw.n_head !== 0) throw new EngineError('bad-config', 'config.json: n_embd must be a multiple of n_head.');
  return {
    modelType: 'gpt2',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.n_embd,
    intermediateSize: raw.n_inner ?? 4 * raw.n_embd,
    numHiddenLayers: raw.n_layer,
    numAttentionHeads: raw.n_head,
    numKeyValueHeads: raw.n_head,
    headDim: raw.n_embd / raw.n_head,
    maxPositionEmbeddings: raw.n_positions,
    hiddenAct,
    normEps: raw.layer_norm_epsilon,
    ropeTheta: null,
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

function parseLlama(untrusted: unknown): LmConfig {
  const raw = parseAs(rawLlama, untrusted);
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
    hiddenAct: 'silu',
    normEps: raw.rms_norm_eps,
    ropeTheta: raw.rope_parameters?.rope_theta ?? raw.rope_theta ?? 10000,
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}
