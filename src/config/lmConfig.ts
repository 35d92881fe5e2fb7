/**
 * What a language model's architecture is, as features: `lm` is assembled from these and never asks for the family. Not for reading
 * `config.json` (lm.ts, families) nor for parameter names (lmParameters.ts).
 */

import type { RopeConfig } from './rope.ts';

export type ModelType = 'gpt2' | 'gpt_neo' | 'gpt_neox' | 'llama' | 'mistral' | 'qwen2' | 'qwen3' | 'gemma' | 'gemma3_text';

export type LayerType = 'full_attention' | 'sliding_attention';

/** Hugging Face's keys in camelCase, in llama's words for every family. */
export interface LmConfig {
  /** For people and for file names; what follows from it stands in the fields below. */
  modelType: ModelType;
  vocabSize: number;
  hiddenSize: number;
  intermediateSize: number;
  numHiddenLayers: number;
  numAttentionHeads: number;
  numKeyValueHeads: number;
  headDim: number;
  maxPositionEmbeddings: number;
  norm: 'rms' | 'layer';
  normEps: number;
  /** Of the MLP: SiLU, GELU in its tanh form, exact GELU. */
  hiddenAct: 'silu' | 'gelu_new' | 'gelu';
  /** act(gate) · up, two matrices; else act of one. */
  gatedMlp: boolean;
  /** A norm after attention and after the MLP too, before the residual is added. */
  sandwichNorms: boolean;
  /** An RMS norm of each head's queries and keys, before they are rotated. */
  qkNorm: boolean;
  /** Attention and MLP both read the layer's input; else the MLP reads what attention left. */
  parallelResidual: boolean;
  /** Scores are multiplied by this. */
  attentionScale: number;
  /** Token embeddings are multiplied by this on the way in, not in a tied head. */
  embeddingScale: number;
  qkvBias: boolean;
  attentionOutputBias: boolean;
  mlpBias: boolean;
  /** One a layer. */
  layerTypes: LayerType[];
  /** A query of a sliding layer sees this many tokens, itself included; null: all before it. */
  slidingWindow: number | null;
  /** null where positions are learned. */
  rope: RopeConfig | null;
  /** Of the sliding layers; null: as `rope`. */
  localRope: RopeConfig | null;
  /** How linear weights lie in the file: PyTorch's nn.Linear or GPT-2's Conv1D. */
  weightLayout: 'outIn' | 'inOut';
  tieWordEmbeddings: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
  padTokenId: number | null;
}
