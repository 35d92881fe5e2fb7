/**
 * Which parameters an LM has, by their Hugging Face names, what each is for, and their shapes. Follows from the config alone.
 * Not for values.
 */
import type { LmConfig } from './lm.ts';

/** A norm's parameters. */
export interface NormNames {
  gain: string;
  bias: string | null;
}

/** One matrix product: several parameters stand one under the other where the product is done in one go (q, k, v). */
export interface LinearNames {
  weights: string[];
  biases: string[];
}

export interface LayerNames {
  attentionNorm: NormNames;
  qkv: LinearNames;
  attentionOutput: LinearNames;
  mlpNorm: NormNames;
  /** Gate and up for SwiGLU. */
  mlpInput: LinearNames;
  mlpOutput: LinearNames;
}

export interface ParameterNames {
  embedding: string;
  /** null for RoPE. */
  positions: string | null;
  finalNorm: NormNames;
  /** The embedding's name if the head is tied. */
  head: string;
  layers: LayerNames[];
}

const layerIndices = (config: LmConfig): number[] => Array.from({ length: config.numHiddenLayers }, (_, layer) => layer);

function llamaNames(config: LmConfig): ParameterNames {
  const norm = (name: string): NormNames => ({ gain: `${name}.weight`, bias: null });
  return {
    embedding: 'model.embed_tokens.weight',
    positions: null,
    finalNorm: norm('model.norm'),
    head: config.tieWordEmbeddings ? 'model.embed_tokens.weight' : HEAD_NAME,
    layers: layerIndices(config).map((layer) => {
      const at = `model.layers.${layer}`;
      const linear = (...names: string[]): LinearNames => ({ weights: names.map((name) => `${at}.${name}.weight`), biases: [] });
      return {
        attentionNorm: norm(`${at}.input_layernorm`),
        qkv: linear('self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
        attentionOutput: linear('self_attn.o_proj'),
        mlpNorm: norm(`${at}.post_attention_layernorm`),
        mlpInput: linear('mlp.gate_proj', 'mlp.up_proj'),
        mlpOutput: linear('mlp.down_proj'),
      };
    }),
  };
}

function gpt2Names(config: LmConfig): ParameterNames {
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
        attentionOutput: linear(`${at}.attn.c_proj`),
        mlpNorm: norm(`${at}.ln_2`),
        mlpInput: linear(`${at}.mlp.c_fc`),
        mlpOutput: linear(`${at}.mlp.c_proj`),
      };
    }),
  };
}

/** What each parameter is for. */
export function parameterNames(config: LmConfig): ParameterNames {
  return config.modelType === 'gpt2' ? gpt2Names(config) : llamaNames(config);
}

/** The head's own name, in every family. */
export const HEAD_NAME = 'lm_head.weight';

/**
 * Parameter name to shape, in the order of the model: linear layers [out, in], but [in, out] in GPT-2 (Conv1D). A tied head is not listed: it
 * is the embedding.
 */
export function parameterShapes(config: LmConfig): Map<string, number[]> {
  const { vocabSize: V, hiddenSize: C, intermediateSize: F, headDim: K, numAttentionHeads: H, numKeyValueHeads: G } = config;
  const names = parameterNames(config);
  const shapes = new Map<string, number[]>([[names.embedding, [V, C]]]);
  if (names.positions) shapes.set(names.positions, [config.maxPositionEmbeddings, C]);
  const norm = ({ gain, bias }: NormNames): void => {
    shapes.set(gain, [C]);
    if (bias) shapes.set(bias, [C]);
  };
  const linear = ({ weights, biases }: LinearNames, input: number, outputs: number[]): void => {
    weights.forEach((name, i) => shapes.set(name, config.modelType === 'gpt2' ? [input, outputs[i]!] : [outputs[i]!, input]));
    biases.forEach((name, i) => shapes.set(name, [outputs[i]!]));
  };
  for (const layer of names.layers) {
    norm(layer.attentionNorm);
    linear(layer.qkv, C, config.modelType === 'gpt2' ? [3 * C] : [H * K, G * K, G * K]);
    linear(layer.attentionOutput, H * K, [C]);
    norm(layer.mlpNorm);
    linear(layer.mlpInput, C, config.modelType === 'gpt2' ? [F] : [F, F]);
    linear(layer.mlpOutput, F, [C]);
  }
  norm(names.finalNorm);
  if (names.head !== names.embedding) shapes.set(names.head, [V, C]);
  return shapes;
}

/** How many numbers the LM has; a tied head counts once. */
export function countParameters(config: LmConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += shape.reduce((product, dim) => product * dim, 1);
  return count;
}
