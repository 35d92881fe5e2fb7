/** gpt_neo: GPT-Neo and TinyStories; learned positions, every second layer slides a window, scores are not scaled, no biases on q, k, v. */
import { z } from 'zod';
import type { LayerType, LmConfig } from '../lmConfig.ts';
import { HEAD_NAME } from './decoderNames.ts';
import { type Family, layerIndices, type LinearNames, type NormNames, type ParameterNames } from './family.ts';
import { activationOf, badConfig, commonKeys, contextLength, epsilon, headCount, layerCount, parseAs, tokenIdsOf, unsupported, vocabulary, width, windowLength } from './rawConfig.ts';

/** [[["global", "local"], 6], …]: these kinds in turn, so many times. */
const attentionTypes = z.array(z.tuple([z.array(z.string()).min(1).max(1024), layerCount])).max(1024);

const schema = z.object({
  ...commonKeys,
  vocab_size: vocabulary,
  hidden_size: width,
  num_layers: layerCount,
  num_heads: headCount,
  intermediate_size: width.nullish(),
  max_position_embeddings: contextLength.default(2048),
  attention_types: attentionTypes.nullish(),
  window_size: windowLength.default(256),
  activation_function: z.string().default('gelu_new'),
  layer_norm_epsilon: epsilon.default(1e-5),
  tie_word_embeddings: z.boolean().default(true),
});

function layerTypesOf(types: z.output<typeof attentionTypes>, layers: number): LayerType[] {
  const found: LayerType[] = [];
  for (const [kinds, times] of types)
    for (let i = 0; i < times && found.length <= layers; i++)
      for (const kind of kinds) {
        if (kind !== 'global' && kind !== 'local') throw unsupported(`attention_types with ${JSON.stringify(kind).slice(0, 60)} are not supported; supported: global, local`);
        found.push(kind === 'local' ? 'sliding_attention' : 'full_attention');
      }
  if (found.length !== layers) throw badConfig(`attention_types describe another number of layers than num_layers ${layers}`);
  return found;
}

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  if (raw.hidden_size % raw.num_heads !== 0) throw badConfig(`hidden_size ${raw.hidden_size} must be a multiple of num_heads ${raw.num_heads}`);
  return {
    modelType: 'gpt_neo',
    vocabSize: raw.vocab_size,
    hiddenSize: raw.hidden_size,
    intermediateSize: raw.intermediate_size ?? 4 * raw.hidden_size,
    numHiddenLayers: raw.num_layers,
    numAttentionHeads: raw.num_heads,
    numKeyValueHeads: raw.num_heads,
    headDim: raw.hidden_size / raw.num_heads,
    maxPositionEmbeddings: raw.max_position_embeddings,
    norm: 'layer',
    normEps: raw.layer_norm_epsilon,
    hiddenAct: activationOf('activation_function', raw.activation_function, ['gelu_new', 'gelu']),
    gatedMlp: false,
    sandwichNorms: false,
    qkNorm: false,
    parallelResidual: false,
    attentionScale: 1,
    embeddingScale: 1,
    qkvBias: false,
    attentionOutputBias: true,
    mlpBias: true,
    layerTypes: layerTypesOf(raw.attention_types ?? [[['global', 'local'], 12]], raw.num_layers),
    slidingWindow: raw.window_size,
    rope: null,
    localRope: null,
    weightLayout: 'outIn',
    tieWordEmbeddings: raw.tie_word_embeddings,
    ...tokenIdsOf(raw),
  };
}

function names(config: LmConfig): ParameterNames {
  const norm = (name: string): NormNames => ({ gain: `${name}.weight`, bias: `${name}.bias` });
  return {
    embedding: 'transformer.wte.weight',
    positions: 'transformer.wpe.weight',
    finalNorm: norm('transformer.ln_f'),
    head: config.tieWordEmbeddings ? 'transformer.wte.weight' : HEAD_NAME,
    layers: layerIndices(config).map((layer) => {
      const at = `transformer.h.${layer}`;
      const linear = (biased: boolean, ...paths: string[]): LinearNames => ({
        weights: paths.map((path) => `${at}.${path}.weight`),
        biases: biased ? paths.map((path) => `${at}.${path}.bias`) : [],
      });
      return {
        attentionNorm: norm(`${at}.ln_1`),
        qkv: linear(false, 'attn.attention.q_proj', 'attn.attention.k_proj', 'attn.attention.v_proj'),
        queryNorm: null,
        keyNorm: null,
        attentionOutput: linear(true, 'attn.attention.out_proj'),
        postAttentionNorm: null,
        mlpNorm: norm(`${at}.ln_2`),
        mlpInput: linear(true, 'mlp.c_fc'),
        mlpOutput: linear(true, 'mlp.c_proj'),
        postMlpNorm: null,
      };
    }),
  };
}

export const gptNeo: Family = {
  modelType: 'gpt_neo',
  parse,
  names,
  headName: HEAD_NAME,
  storedAs: () => 'plain',
  canonicalName: (name) => (/^(wte|wpe|ln_f|h)\./.test(name) ? `transformer.${name}` : name),
  isLeftover: (name) => /\.attn\.attention\.(masked_)?bias$/.test(name),
};
