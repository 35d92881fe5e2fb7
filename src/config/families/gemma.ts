/**
 * gemma and gemma3_text: norm gains stored as w of 1 + w, scaled embeddings, gated GELU; the third adds norms around both halves of a layer,
 * norms of queries and keys, and sliding layers with a RoPE of their own.
 */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { activationOf, commonKeys, contextLength, decoderKeys, epsilon, frequencyBase, headsOf, headSize, layerTypeList, layerTypesOf, parseAs, tokenIdsOf, unsupported, windowLength } from './rawConfig.ts';
import { ropeKeys, ropeOf, ropeParameters, singleRopeOf } from './rope.ts';

const shared = {
  ...commonKeys,
  ...decoderKeys,
  head_dim: headSize.default(256),
  rms_norm_eps: epsilon.default(1e-6),
  tie_word_embeddings: z.boolean().default(true),
  attention_bias: z.boolean().default(false),
  use_bidirectional_attention: z.boolean().nullish(),
};
const gemmaSchema = z.object({
  ...shared,
  ...ropeKeys,
  num_key_value_heads: decoderKeys.num_key_value_heads.default(16),
  max_position_embeddings: contextLength.default(8192),
  hidden_act: z.string().default('gelu_pytorch_tanh'),
  hidden_activation: z.string().nullish(),
});
const gemma3Schema = z.object({
  ...shared,
  num_key_value_heads: decoderKeys.num_key_value_heads.default(4),
  max_position_embeddings: contextLength.default(131_072),
  hidden_activation: z.string().default('gelu_pytorch_tanh'),
  query_pre_attn_scalar: z.number().positive().max(1e6).default(256),
  sliding_window: windowLength.nullable().default(4096),
  sliding_window_pattern: z.number().int().min(1).max(1024).nullish(),
  layer_types: layerTypeList,
  attn_logit_softcapping: z.number().nullish(),
  final_logit_softcapping: z.number().nullish(),
  rope_theta: frequencyBase.nullish(),
  rope_local_base_freq: frequencyBase.nullish(),
  rope_scaling: ropeParameters.nullish(),
  rope_parameters: z.object({ full_attention: ropeParameters.nullish(), sliding_attention: ropeParameters.nullish() }).loose().nullish(),
});

/** What both have in common. */
function describe(raw: Pick<z.output<typeof gemma3Schema>, keyof typeof shared | 'max_position_embeddings'>): Omit<LmConfig, 'modelType' | 'hiddenAct' | 'sandwichNorms' | 'qkNorm' | 'attentionScale' | 'layerTypes' | 'slidingWindow' | 'rope' | 'localRope'> {
  if (raw.use_bidirectional_attention) throw unsupported('use_bidirectional_attention: true is not supported; supported: false');
  return {
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    numHiddenLayers: raw.num_hidden_layers,
    ...headsOf(raw),
    maxPositionEmbeddings: raw.max_position_embeddings,
    norm: 'rms',
    normEps: raw.rms_norm_eps,
    gatedMlp: true,
    parallelResidual: false,
    embeddingScale: Math.fround(Math.sqrt(raw.hidden_size)),
    qkvBias: raw.attention_bias,
    attentionOutputBias: raw.attention_bias,
    mlpBias: false,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

function parseGemma(untrusted: unknown): LmConfig {
  const raw = parseAs(gemmaSchema, untrusted);
  // The first releases said "gelu" and meant its tanh form; transformers reads them so.
  const stated = raw.hidden_activation ?? (raw.hidden_act === 'gelu' ? 'gelu_pytorch_tanh' : raw.hidden_act);
  return {
    modelType: 'gemma',
    ...describe(raw),
    hiddenAct: activationOf(raw.hidden_activation ? 'hidden_activation' : 'hidden_act', stated, ['gelu_new']),
    sandwichNorms: false,
    qkNorm: false,
    attentionScale: raw.head_dim ** -0.5,
    layerTypes: layerTypesOf(null, raw.num_hidden_layers, () => 'full_attention'),
    slidingWindow: null,
    rope: singleRopeOf(raw, { headDim: raw.head_dim, maxPositionEmbeddings: raw.max_position_embeddings, theta: 10_000 }),
    localRope: null,
  };
}

function parseGemma3(untrusted: unknown): LmConfig {
  const raw = parseAs(gemma3Schema, untrusted);
  for (const option of ['attn_logit_softcapping', 'final_logit_softcapping'] as const)
    if (raw[option] != null) throw unsupported(`${option} ${raw[option]} is not supported; supported: null`);
  if (raw.sliding_window === null) throw unsupported('sliding_window null is not supported in gemma3_text; supported: a number of tokens');
  const pattern = raw.sliding_window_pattern ?? 6;
  const { full_attention: full, sliding_attention: sliding } = raw.rope_parameters ?? {};
  const context = { headDim: raw.head_dim, maxPositionEmbeddings: raw.max_position_embeddings };
  return {
    modelType: 'gemma3_text',
    ...describe(raw),
    hiddenAct: activationOf('hidden_activation', raw.hidden_activation, ['gelu_new', 'silu', 'gelu']),
    sandwichNorms: true,
    qkNorm: true,
    attentionScale: raw.query_pre_attn_scalar ** -0.5,
    layerTypes: layerTypesOf(raw.layer_types, raw.num_hidden_layers, (layer) => ((layer + 1) % pattern === 0 ? 'full_attention' : 'sliding_attention')),
    slidingWindow: raw.sliding_window,
    // transformers 4 scales the full layers' RoPE only.
    rope: ropeOf({ ...full, ...raw.rope_scaling }, { ...context, theta: raw.rope_theta ?? 1_000_000 }),
    localRope: ropeOf(sliding ?? {}, { ...context, theta: raw.rope_local_base_freq ?? 10_000 }),
  };
}

/** Every norm of the family adds 1 to its gain. */
const storedAs = (name: string) => (name.endsWith('norm.weight') ? 'minusOne' : 'plain');

export const gemma: Family = { modelType: 'gemma', parse: parseGemma, names: decoderNames, ...decoderFiles, storedAs };
export const gemma3Text: Family = { modelType: 'gemma3_text', parse: parseGemma3, names: decoderNames, ...decoderFiles, storedAs };
