/** What the description of a model family says. Not for a family's own keys: they stand in its file. */
import type { LmConfig, ModelType } from '../lmConfig.ts';

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
  /** Of each head's queries, [headDim]; null without. */
  queryNorm: NormNames | null;
  keyNorm: NormNames | null;
  attentionOutput: LinearNames;
  /** Sandwich norms only. */
  postAttentionNorm: NormNames | null;
  mlpNorm: NormNames;
  /** Gate and up where the MLP is gated. */
  mlpInput: LinearNames;
  mlpOutput: LinearNames;
  postMlpNorm: NormNames | null;
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

/**
 * How a file holds a parameter, against how the LM does: the same; a norm's gain less one (the LM holds 1 + w); rows of a fused q, k, v
 * grouped by head [H, 3, K] (the LM holds [3, H, K]).
 */
export type StoredForm = 'plain' | 'minusOne' | 'qkvByHead';

export interface Family {
  modelType: ModelType;
  /** @throws EngineError bad-config, unsupported; the option and its value are named */
  parse(untrusted: unknown): LmConfig;
  names(config: LmConfig): ParameterNames;
  /** What an untied head is called. */
  headName: string;
  storedAs(name: string): StoredForm;
  /** The name of a tensor as the family writes it today, from the name in an older file. */
  canonicalName(name: string): string;
  /** Leftovers of old checkpoints that change nothing, such as RoPE tables and causal masks. */
  isLeftover(name: string): boolean;
}

/** 0, 1, … one a layer. */
export const layerIndices = (config: Pick<LmConfig, 'numHiddenLayers'>): number[] => Array.from({ length: config.numHiddenLayers }, (_, layer) => layer);
