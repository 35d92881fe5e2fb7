/**
 * A language model in memory: its config and its parameters, either all in one slab that can be trained or frozen, each where it was put.
 * Not for what it computes (forward.ts) nor for how weights get there from files (loadLm.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import type { LoraConfig } from '../config/lora.ts';
import { type LinearNames, type NormNames, parameterNames } from '../config/lmParameters.ts';
import { type NamedValues, packSlab, type SlabLayout, unpackSlab } from '../kernels/slabLayout.ts';
import type { PackedStorage } from '../kernels/packed.ts';
import type { Slice } from '../kernels/slice.ts';
import { parameterLayout } from './parameterLayout.ts';
import { createRopes, type Ropes } from './ropes.ts';

export interface NormParams {
  gain: Slice;
  bias: Slice | null;
}

/** The adapter beside one product of the LM. */
export interface LoraLayer {
  /** Counts the products that have one: their dropout masks differ. */
  index: number;
  /** [n · r, in]: the A of each of its n layers one under the other, so that they are one product. */
  a: Slice;
  /** The B [out, r] of each layer, and its first column in the result of the product. */
  parts: { from: number; b: Slice }[];
}

/** A linear layer, or several that are computed as one. */
export interface LinearParams {
  /** [out, in], or [in, out] where the LM's layout is 'inOut'. */
  weight: Slice;
  /** [out] */
  bias: Slice | null;
  /** Where an adapter stands beside it. */
  lora?: LoraLayer;
}

/** The parameters of one layer, looked up once. */
export interface LayerParams {
  attentionNorm: NormParams;
  /** Rows q, k, v one under the other. */
  qkv: LinearParams;
  /** Gains [headDim] of the norm of each head's queries and keys; null without. */
  queryNorm: NormParams | null;
  keyNorm: NormParams | null;
  attentionOutput: LinearParams;
  /** Sandwich norms only. */
  postAttentionNorm: NormParams | null;
  mlpNorm: NormParams;
  /** Rows gate, up one under the other where the MLP is gated. */
  mlpInput: LinearParams;
  mlpOutput: LinearParams;
  postMlpNorm: NormParams | null;
}

/** What an optimizer trains: named values in one float32 slab. */
export interface TrainableParameters {
  /** [layout.size] float32. What lies between the values is 0. */
  readonly slab: tf.Variable;
  readonly layout: SlabLayout;
}

/** A LoRA adapter (adapter.ts). Owns its slab. Belongs to the backend that was active when it was created. */
export interface LoraAdapter extends TrainableParameters {
  readonly config: LoraConfig;
  /** How much of it counts: 0 is the base LM, 1 the adapter as it was trained. */
  readonly strength: number;
  /** What the dropout masks of a pass are drawn from; null outside training, where nothing is dropped. */
  readonly dropoutSeed: number | null;
}

/** How matrices lie on the device: float32, or packed in 16 bits as their file holds them. Vectors are float32 always. */
export type WeightStorage = 'f32' | PackedStorage;

/** Owns its parameters and tables until `dispose`. Belongs to the backend that was active when it was created. */
export interface LanguageModel {
  readonly config: LmConfig;
  /** All of its parameters in an LM that is trained whole, the matrices of its adapter if it has one; null if it is frozen. */
  readonly trainable: TrainableParameters | null;
  /** Every parameter by its Hugging Face name. */
  readonly parameters: ReadonlyMap<string, Slice>;
  readonly storage: WeightStorage;
  /** null: the base alone. */
  readonly adapter: LoraAdapter | null;
  /** How linear weights lie: PyTorch's nn.Linear or GPT-2's Conv1D. */
  readonly weightLayout: 'outIn' | 'inOut';
  readonly embedding: Slice;
  /** [P, C] where positions are learned, else null. */
  readonly positionTable: Slice | null;
  readonly layers: readonly LayerParams[];
  readonly finalNorm: NormParams;
  /** [V, C]; the embedding itself if the head is tied. */
  readonly head: Slice;
  /** null where positions are learned. */
  readonly ropes: Ropes | null;
  dispose(): void;
}

/** What an LM is assembled from. */
export interface LmParts {
  config: LmConfig;
  trainable: TrainableParameters | null;
  storage: WeightStorage;
  /** Every parameter by name. Those of one group lie one under the other without a gap. */
  parameters: ReadonlyMap<string, Slice>;
  /** What holds them; disposed with the LM. */
  tensors: readonly tf.Tensor[];
}

/** @param parts consumed */
export function assembleLm({ config, trainable, storage, parameters, tensors }: LmParts): LanguageModel {
  const { weightLayout } = config;
  const one = (name: string): Slice => parameters.get(name)!;
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
  const optional = (found: NormNames | null): NormParams | null => found && norm(found);
  const ropes = createRopes(config);
  return {
    config,
    trainable,
    parameters,
    storage,
    adapter: null,
    weightLayout,
    embedding: one(names.embedding),
    positionTable: names.positions === null ? null : one(names.positions),
    layers: names.layers.map((layer) => ({
      attentionNorm: norm(layer.attentionNorm),
      qkv: linear(layer.qkv),
      queryNorm: optional(layer.queryNorm),
      keyNorm: optional(layer.keyNorm),
      attentionOutput: linear(layer.attentionOutput),
      postAttentionNorm: optional(layer.postAttentionNorm),
      mlpNorm: norm(layer.mlpNorm),
      mlpInput: linear(layer.mlpInput),
      mlpOutput: linear(layer.mlpOutput),
      postMlpNorm: optional(layer.postMlpNorm),
    })),
    finalNorm: norm(names.finalNorm),
    head: one(names.head),
    ropes,
    dispose() {
      tf.dispose([...tensors]);
      ropes?.dispose();
    },
  };
}

/** tfjs wants unique variable names; two LMs of one kind live side by side. */
let created = 0;

/** An LM that is trained whole. @param values [layout.size], consumed */
export function assembleTrainable(config: LmConfig, layout: SlabLayout, values: tf.Tensor): LanguageModel {
  const slab = tf.variable(values, true, `lm${++created}`);
  values.dispose(); // the variable holds the data now
  const parameters = new Map([...layout.places].map(([name, place]) => [name, { slab, ...place }]));
  return assembleLm({ config, trainable: { slab, layout }, storage: 'f32', parameters, tensors: [slab] });
}

type Weights = ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;

/**
 * An LM that can be trained whole, from values on the host: for small ones. Others are streamed in by `loadLm`.
 * @param weights by Hugging Face name, borrowed and copied
 * @returns owned by the caller: dispose it
 * @throws EngineError bad-argument for a missing parameter, bad-shape for a misshapen one
 */
export function createLm(config: LmConfig, weights: Weights): LanguageModel {
  const layout = parameterLayout(config);
  return assembleTrainable(config, layout, tf.tensor1d(packSlab(layout, weights)));
}

/** @throws EngineError unsupported for a frozen LM */
export function trainableOf({ trainable }: Pick<LanguageModel, 'trainable'>): TrainableParameters {
  if (!trainable) throw new EngineError('unsupported', 'The weights of this LM are frozen. Train a LoRA adapter in place of every weight.');
  return trainable;
}

/** @param lm borrowed @returns what can be trained of it by name, owned: copies of the values now @throws EngineError unsupported for a frozen LM */
export async function readParams(lm: Pick<LanguageModel, 'trainable'>): Promise<Map<string, NamedValues>> {
  const { slab, layout } = trainableOf(lm);
  return unpackSlab(layout, (await slab.data()) as Float32Array);
}

/**
 * Sets all that can be trained.
 * @param lm rewritten @param values borrowed and copied; must have every parameter, may have more
 * @throws EngineError bad-argument, bad-shape, unsupported for a frozen LM; then nothing is changed
 */
export function assignParams(lm: Pick<LanguageModel, 'trainable'>, values: Weights): void {
  const { slab, layout } = trainableOf(lm);
  const all = packSlab(layout, values);
  tf.tidy(() => slab.assign(tf.tensor1d(all)));
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
