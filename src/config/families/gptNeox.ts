/** gpt_neox: Pythia; LayerNorm, RoPE on a part of each head, attention and MLP side by side, q, k and v in one matrix by head. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { type Family, layerIndices, type LinearNames, type NormNames, type ParameterNames } from './family.ts';
import { activationOf, badConfig, commonKeys, contextLength, decoderKeys, epsilon, frequencyBase, parseAs, tokenIdsOf } from './rawConfig.ts';
import { ropeKeys, singleRopeOf } from './rope.ts';

const HEAD_NAME = 'embed_out.weight';

const schema = z.object({
  ...commonKeys,
  vocab_size: decoderKeys.vocab_size,
  hidden_size: decoderKeys.hidden_size,
  intermediate_size: decoderKeys.intermediate_size,
  num_hidden_layers: decoderKeys.num_hidden_layers,
  num_attention_heads: decoderKeys.num_attention_heads,
  ...ropeKeys,
  rotary_pct: ropeKeys.partial_rotary_factor,
  rotary_emb_base: frequencyBase.nullish(),
  max_position_embeddings: contextLength.default(2048),
  layer_norm_eps: epsilon.default(1e-5),
  hidden_act: z.string().default('gelu'),
  tie_word_embeddings: z.boolean().default(false),
  use_parallel_residual: z.boolean().default(true),
  attention_bias: z.boolean().default(true),
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  if (raw.hidden_size % raw.num_attention_heads !== 0) throw badConfig(`hidden_size ${raw.hidden_size} must be a multiple of num_attention_heads ${raw.num_attention_heads}`);
  const headDim = raw.hidden_size / raw.num_attention_heads;
  return {
    modelType: 'gpt_neox',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size,
    numHiddenLayers: raw.num_hidden_layers,
    numAttentionHeads: raw.num_attention_heads,
    numKeyValueHeads: raw.num_attention_heads,
    headDim,
    maxPositionEmbeddings: raw.max_position_embeddings,
    norm: 'layer',
    normEps: raw.layer_norm_eps,
    hiddenAct: activationOf('hidden_act', raw.hidden_act, ['gelu', 'gelu_new']),
    gatedMlp: false,
    sandwichNorms: false,
    qkNorm: false,
    parallelResidual: raw.use_parallel_residual,
    attentionScale: headDim ** -0.5,
    embeddingScale: 1,
    qkvBias: raw.attention_bias,
    attentionOutputBias: raw.attention_bias,
    mlpBias: true,
    layerTypes: Array.from({ length: raw.num_hidden_layers }, () => 'full_attention' as const),
    slidingWindow: null,
    rope: singleRopeOf(raw, {
      headDim,
      maxPositionEmbeddings: raw.max_position_embeddings,
      theta: raw.rotary_emb_base ?? 10_000,
      partialRotaryFactor: raw.rotary_pct ?? 0.25,
      wholeHeads: false,
    }),
    localRope: null,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

function names(config: LmConfig): ParameterNames {
  const norm = (name: string): NormNames => ({ gain: `${name}.weight`, bias: `${name}.bias` });
  const linear = (name: string, biased: boolean): LinearNames => ({ weights: [`${name}.weight`], biases: biased ? [`${name}.bias`] : [] });
  return {
    embedding: 'gpt_neox.embed_in.weight',
    positions: null,
    finalNorm: norm('gpt_neox.final_layer_norm'),
    head: config.tieWordEmbeddings ? 'gpt_neox.embed_in.weight' : HEAD_NAME,
    layers: layerIndices(config).map((layer) => {
      const at = `gpt_neox.layers.${layer}`;
      return {
        attentionNorm: norm(`${at}.input_layernorm`),
        qkv: linear(`${at}.attention.query_key_value`, config.qkvBias),
        queryNorm: null,
        keyNorm: null,
        attentionOutput: linear(`${at}.attention.dense`, config.attentionOutputBias),
        postAttentionNorm: null,
        mlpNorm: norm(`${at}.post_attention_layernorm`),
        mlpInput: linear(`${at}.mlp.dense_h_to_4h`, config.mlpBias),
        mlpOutput: linear(`${at}.mlp.dense_4h_to_h`, config.mlpBias),
        postMlpNorm: null,
      };
    }),
  };
}

export const gptNeox: Family = {
  modelType: 'gpt_neox',
  parse,
  names,
  headName: HEAD_NAME,
  storedAs: (name) => (/\.query_key_value\.(weight|bias)$/.test(name) ? 'qkvByHead' : 'plain'),
  // transformers 5 calls the module lm_head, and its files still as before.
  canonicalName: (name) => (name === 'lm_head.weight' ? HEAD_NAME : name),
  isLeftover: (name) => /\.attention\.((masked_)?bias|rotary_emb\.inv_freq)$/.test(name),
};
