/**
 * A language model in memory: its config and its parameters, all in one slab. Not for what it computes (forward.ts) nor for files (loader).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import { type LinearNames, type NormNames, parameterNames } from '../config/lmParameters.ts';
import { inverseFrequencies } from '../config/rope.ts';
import { createRopeTables } from '../kernels/rope/rope.ts';
import { type NamedValues, packSlab, type SlabLayout, unpackSlab } from '../kernels/slabLayout.ts';
import type { Slice } from '../kernels/slice.ts';
import { parameterLayout } from './parameterLayout.ts';

export interface NormParams {
  gain: Slice;
  bias: Slice | null;
}

/** A linear layer, or several that are computed as one. */
export interface LinearParams {
  /** [out, in], or [in, out] where the LM's layout is 'inOut'. */
  weight: Slice;
  /** [out] */
  bias: Slice | null;
}

/** The parameters of one layer, looked up once. */
export interface LayerParams {
  attentionNorm: NormParams;
  /** Rows q, k, v one under the other. */
  qkv: LinearParams;
  attentionOutput: LinearParams;
  mlpNorm: NormParams;
  /** Rows gate, up one under the other where the MLP is SwiGLU. */
  mlpInput: LinearParams;
  mlpOutput: LinearParams;
}

/** Owns its slab and tables until `dispose`. Belongs to the backend that was active when it was created. */
export interface LanguageModel {
  readonly config: LmConfig;
  readonly layout: SlabLayout;
  /** All parameters, [layout.size] float32. What lies between them is 0. */
  readonly slab: tf.Variable;
  /** How linear weights lie: PyTorch's nn.Linear or GPT-2's Conv1D. */
  readonly weightLayout: 'outIn' | 'inOut';
  readonly embedding: Slice;
  /** [P, C] where positions are learned, else null. */
  readonly positionTable: Slice | null;
  readonly layers: readonly LayerParams[];
  readonly finalNorm: NormParams;
  /** [V, C]; the embedding itself if the head is tied. */
  readonly head: Slice;
  /** [maxPositionEmbeddings, headDim / 2] each; null where positions are learned. */
  readonly rope: { cos: tf.Tensor; sin: tf.Tensor } | null;
  dispose(): void;
}

/** tfjs wants unique variable names; two LMs of one kind live side by side. */
let created = 0;

/** @param values consumed */
function assemble(config: LmConfig, layout: SlabLayout, values: tf.Tensor): LanguageModel {
  const slab = tf.variable(values, true, `lm${++created}`);
  values.dispose(); // the variable holds the data now
  const weightLayout = config.modelType === 'gpt2' ? 'inOut' : 'outIn';
  const one = (name: string): Slice => ({ slab, ...layout.places.get(name)! });
  /** Parameters that stand without a gap, as one whose first axis is the sum of theirs. */
  const joined = (names: string[]): Slice => {
    const members = names.map(one);
    const [first] = members as [Slice];
    if (members.length === 1) return first;
    return { ...first, shape: [members.reduce((sum, { shape }) => sum + shape[0]!, 0), ...first.shape.slice(1)] };
  };
  const norm = ({ gain, bias }: NormNames): NormParams => ({ gain: one(gain), bias: bias === null ? null : one(bias) });
  const linear = ({ weights, biases }: LinearNames): LinearParams => ({ weight: joined(weights), bias: biases.length > 0 ? joined(biases) : null });
  const names = parameterNames(config);
  const rope = config.ropeTheta === null ? null : createRopeTables(config.maxPositionEmbeddings, inverseFrequencies({ theta: config.ropeTheta, rotaryDim: config.headDim, scaling: null }));
  return {
    config,
    layout,
    slab,
    weightLayout,
    embedding: one(names.embedding),
    positionTable: names.positions === null ? null : one(names.positions),
    layers: names.layers.map((layer) => ({
      attentionNorm: norm(layer.attentionNorm),
      qkv: linear(layer.qkv),
      attentionOutput: linear(layer.attentionOutput),
      mlpNorm: norm(layer.mlpNorm),
      mlpInput: linear(layer.mlpInput),
      mlpOutput: linear(layer.mlpOutput),
    })),
    finalNorm: norm(names.finalNorm),
    head: one(names.head),
    rope,
    dispose() {
      slab.dispose();
      if (rope) tf.dispose([rope.cos, rope.sin]);
    },
  };
}

type Weights = ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;

/**
 * @param weights by Hugging Face name, borrowed and copied
 * @returns owned by the caller: dispose it
 * @throws EngineError bad-argument for a missing parameter, bad-shape for a misshapen one
 */
export function createLm(config: LmConfig, weights: Weights): LanguageModel {
  const layout = parameterLayout(config);
  return assemble(config, layout, tf.tensor1d(packSlab(layout, weights)));
}

/** A second LM with the same weights in memory of its own. @param lm borrowed @returns owned by the caller */
export function cloneLm(lm: LanguageModel): LanguageModel {
  // tf.clone would share memory, which in-place optimizer steps rewrite; x · 1 is a copy and exact.
  return assemble(lm.config, lm.layout, tf.mul(lm.slab, 1));
}

/** @param lm borrowed @returns all parameters by name, owned: copies of their values now */
export async function readParams(lm: LanguageModel): Promise<Map<string, NamedValues>> {
  return unpackSlab(lm.layout, (await lm.slab.data()) as Float32Array);
}

/**
 * Sets all parameters.
 * @param lm rewritten @param values borrowed and copied; must have every parameter, may have more
 * @throws EngineError bad-argument, bad-shape; then nothing is changed
 */
export function assignParams(lm: LanguageModel, values: Weights): void {
  const all = packSlab(lm.layout, values);
  tf.tidy(() => lm.slab.assign(tf.tensor1d(all)));
}

/**
 * A GPU cannot throw for an id without an embedding: it would compute with NaN. To be called with ids while they are plain numbers.
 * @throws EngineError bad-argument
 */
export function assertTokenIds(config: LmConfig, ids: ArrayLike<number>): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] as number;
    if (!(Number.isInteger(id) && id >= 0 && id < config.vocabSize))
      throw new EngineError('bad-argument', `LM: token id ${id} is outside its vocabulary of ${config.vocabSize}. Do tokenizer.json and config.json belong together?`);
  }
}
