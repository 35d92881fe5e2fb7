/** gpt2: GPT-2 and distilgpt2; learned positions, LayerNorm, Conv1D weights. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { HEAD_NAME } from './decoderNames.ts';
import { type Family, layerIndices, type LinearNames, type NormNames, type ParameterNames } from './family.ts';
import { activationOf, badConfig, commonKeys, contextLength, epsilon, headCount, layerCount, parseAs, tokenIdsOf, unsupported, vocabulary, width } from './rawConfig.ts';

const schema = z.object({
  ...commonKeys,
  vocab_size: vocabulary,
  n_embd: width,
  n_layer: layerCount,
  n_head: headCount,
  n_inner: width.nullish(),
  n_positions: contextLength.default(1024),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: epsilon.default(1e-5),
  scale_attn_weights: z.boolean().default(true),
  scale_attn_by_inverse_layer_idx: z.boolean().default(false),
  add_cross_attention: z.boolean().default(false),
  tie_word_embeddings: z.boolean().default(true),
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  if (raw.scale_attn_by_inverse_layer_idx) throw unsupported('scale_attn_by_inverse_layer_idx: true is not supported; supported: false');
  if (raw.add_cross_attention) throw unsupported('add_cross_attention: true is not supported; supported: false');
  if (raw.n_embd % raw.n_head !== 0) throw badConfig(`n_embd ${raw.n_embd} must be a multiple of n_head ${raw.n_head}`);
  const headDim = raw.n_embd / raw.n_head;
  return {
    modelType: 'gpt2',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.n_embd,
    intermediateSize: raw.n_inner ?? 4 * raw.n_embd,
    numHiddenLayers: raw.n_layer,
    numAttentionHeads: raw.n_head,
    numKeyValueHeads: raw.n_head,
    headDim,
    maxPositionEmbeddings: raw.n_positions,
    norm: 'layer',
    normEps: raw.layer_norm_epsilon,
    hiddenAct: activationOf('activation_function', raw.activation_function, ['gelu_new', 'gelu']),
    gatedMlp: false,
    sandwichNorms: false,
    qkNorm: false,
    parallelResidual: false,
    attentionScale: raw.scale_attn_weights ? headDim ** -0.5 : 1,
    embeddingScale: 1,
    qkvBias: true,
    attentionOutputBias: true,
    mlpBias: true,
    layerTypes: Array.from({ length: raw.n_layer }, () => 'full_attention' as const),
    slidingWindow: null,
    rope: null,
    localRope: null,
    weightLayout: 'inOut',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

function names(config: LmConfig): ParameterNames {
  const norm = (name: string): NormNames => ({ gain: `${name}.weight`, bias: `${name}.bias` });
  const linear = (name: string): LinearNames => ({ weights: [`${name}.weight`], biases: [`${name}.bias`] });
  return {
    embedding: 'transformer.wte.weight',
    positions: 'transformer.wpe.weight',
    finalNorm: norm('transformer.ln_f'),
    head: config.tieWordEmbeddings ? 'transformer.wte.weight' : HEAD_NAME,
    layers: layerIndices(config).map((layer) => {
      const at = `transformer.h.${layer}`;
      return {
        attentionNorm: norm(`${at}.ln_1`),
        qkv: linear(`${at}.attn.c_attn`),
        queryNorm: null,
        keyNorm: null,
        attentionOutput: linear(`${at}.attn.c_proj`),
        postAttentionNorm: null,
        mlpNorm: norm(`${at}.ln_2`),
        mlpInput: linear(`${at}.mlp.c_fc`),
        mlpOutput: linear(`${at}.mlp.c_proj`),
        postMlpNorm: null,
      };
    }),
  };
}

export const gpt2: Family = {
  modelType: 'gpt2',
  parse,
  names,
  headName: HEAD_NAME,
  storedAs: () => 'plain',
  // The first checkpoints were saved without their head and lack the prefix of the body.
  canonicalName: (name) => (/^(wte|wpe|ln_f|h)\./.test(name) ? `transformer.${name}` : name),
  isLeftover: (name) => /\.attn\.(masked_)?bias$/.test(name),
};
