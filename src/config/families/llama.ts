/** llama: SmolLM2, TinyLlama, Llama 3.2 with its RoPE scaling. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { activationOf, commonKeys, contextLength, decoderKeys, epsilon, headsOf, parseAs, tokenIdsOf } from './rawConfig.ts';
import { ropeKeys, singleRopeOf } from './rope.ts';

const schema = z.object({
  ...commonKeys,
  ...decoderKeys,
  ...ropeKeys,
  max_position_embeddings: contextLength.default(2048),
  rms_norm_eps: epsilon.default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default('silu'),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  const heads = headsOf(raw);
  return {
    modelType: 'llama',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    numHiddenLayers: raw.num_hidden_layers,
    ...heads,
    maxPositionEmbeddings: raw.max_position_embeddings,
    norm: 'rms',
    normEps: raw.rms_norm_eps,
    hiddenAct: activationOf('hidden_act', raw.hidden_act, ['silu', 'gelu_new', 'gelu']),
    gatedMlp: true,
    sandwichNorms: false,
    qkNorm: false,
    parallelResidual: false,
    attentionScale: heads.headDim ** -0.5,
    embeddingScale: 1,
    qkvBias: raw.attention_bias,
    attentionOutputBias: raw.attention_bias,
    mlpBias: raw.mlp_bias,
    layerTypes: Array.from({ length: raw.num_hidden_layers }, () => 'full_attention' as const),
    slidingWindow: null,
    rope: singleRopeOf(raw, { headDim: heads.headDim, maxPositionEmbeddings: raw.max_position_embeddings, theta: 10_000 }),
    localRope: null,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

export const llama: Family = { modelType: 'llama', parse, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
