/** What llama, mistral, qwen2 and qwen3 have in common: RMS norms, a gated MLP, one RoPE, weights as nn.Linear. Not for gemma. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { activationOf, commonKeys, decoderKeys, epsilon, headsOf, tokenIdsOf } from './rawConfig.ts';
import { ropeKeys, singleRopeOf } from './rope.ts';

/** Keys of all of them; `max_position_embeddings` and what is a family's own are added there. */
export const llamaLikeKeys = {
  ...commonKeys,
  ...decoderKeys,
  ...ropeKeys,
  rms_norm_eps: epsilon.default(1e-6),
  tie_word_embeddings: z.boolean().default(false),
  hidden_act: z.string().default('silu'),
};

const schema = z.object(llamaLikeKeys);
type Raw = z.output<typeof schema> & { max_position_embeddings: number };

/** What a family of its kind decides itself. */
type Own = Pick<LmConfig, 'modelType' | 'qkNorm' | 'qkvBias' | 'attentionOutputBias' | 'mlpBias' | 'layerTypes' | 'slidingWindow'>;

/** @throws EngineError bad-config, unsupported */
export function llamaLike(raw: Raw, own: Own): LmConfig {
  const heads = headsOf(raw);
  return {
    ...own,
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
    parallelResidual: false,
    attentionScale: heads.headDim ** -0.5,
    embeddingScale: 1,
    rope: singleRopeOf(raw, { headDim: heads.headDim, maxPositionEmbeddings: raw.max_position_embeddings, theta: 10_000 }),
    localRope: null,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}
