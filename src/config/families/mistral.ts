/** mistral: llama's blocks, with a window that every layer slides. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { activationOf, commonKeys, contextLength, decoderKeys, epsilon, headsOf, layerTypeList, layerTypesOf, parseAs, tokenIdsOf, unsupported, windowLength } from './rawConfig.ts';
import { ropeKeys, singleRopeOf } from './rope.ts';

const schema = z.object({
  ...commonKeys,
  ...decoderKeys,
  ...ropeKeys,
  num_key_value_heads: decoderKeys.num_key_value_heads.default(8),
  max_position_embeddings: contextLength.default(131_072),
  rms_norm_eps: epsilon.default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default('silu'),
  sliding_window: windowLength.nullable().default(4096),
  layer_types: layerTypeList,
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  const heads = headsOf(raw);
  const type = raw.sliding_window === null ? 'full_attention' : 'sliding_attention';
  const layerTypes = layerTypesOf(raw.layer_types, raw.num_hidden_layers, () => type);
  // transformers' mistral ignores layer_types: a file that mixes them was made for another family.
  if (layerTypes.some((found) => found !== type)) throw unsupported(`layer_types other than "${type}" in every layer are not supported in mistral`);
  return {
    modelType: 'mistral',
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
    qkvBias: false,
    attentionOutputBias: false,
    mlpBias: false,
    layerTypes,
    slidingWindow: raw.sliding_window,
    rope: singleRopeOf(raw, { headDim: heads.headDim, maxPositionEmbeddings: raw.max_position_embeddings, theta: 10_000 }),
    localRope: null,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

export const mistral: Family = { modelType: 'mistral', parse, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
