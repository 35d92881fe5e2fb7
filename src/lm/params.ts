/**
 * A language model in memory: its config and its parameters as tfjs variables under their Hugging Face names.
 * Not for what it computes (forward.ts) nor for files (loader).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import { EMBEDDING_NAME, FINAL_NORM_NAME, HEAD_NAME, parameterShapes } from '../config/lmParameters.ts';
import { createRopeTables } from '../kernels/rope/rope.ts';

/** Values of a parameter outside tfjs; row-major. */
export interface ParamValues {
  shape: number[];
  data: Float32Array;
}

/** The parameters of one layer, looked up once. The same variables as in `params`. */
export interface LayerParams {
  inputNorm: tf.Variable;
  qProj: tf.Variable;
  kProj: tf.Variable;
  vProj: tf.Variable;
  oProj: tf.Variable;
  postAttentionNorm: tf.Variable;
  gateProj: tf.Variable;
  upProj: tf.Variable;
  downProj: tf.Variable;
}

/** Owns its variables and tables until `dispose`. Belongs to the backend that was active when it was created. */
export interface LanguageModel {
  readonly config: LmConfig;
  /** Every parameter once, by Hugging Face name; a tied head is the embedding. `variable.name` is unique in the process. */
  readonly params: ReadonlyMap<string, tf.Variable>;
  readonly embedTokens: tf.Variable;
  readonly layers: readonly LayerParams[];
  readonly finalNorm: tf.Variable;
  /** [V, C]; the embedding itself if the head is tied. */
  readonly head: tf.Variable;
  /** [maxPositionEmbeddings, headDim / 2] each. */
  readonly ropeCos: tf.Tensor;
  readonly ropeSin: tf.Tensor;
  dispose(): void;
}

/** tfjs wants unique variable names; two LMs of one kind live side by side. */
let created = 0;

function assemble(config: LmConfig, valuesOf: (name: string, shape: number[]) => tf.Tensor): LanguageModel {
  const prefix = `lm${++created}/`;
  const params = new Map<string, tf.Variable>();
  for (const [name, shape] of parameterShapes(config)) {
    const values = valuesOf(name, shape);
    params.set(name, tf.variable(values, true, prefix + name));
    values.dispose(); // the variable holds the data now
  }
  const get = (name: string): tf.Variable => params.get(name) as tf.Variable;
  const layers: LayerParams[] = [];
  for (let layer = 0; layer < config.numHiddenLayers; layer++) {
    const at = (name: string): tf.Variable => get(`model.layers.${layer}.${name}.weight`);
    layers.push({
      inputNorm: at('input_layernorm'),
      qProj: at('self_attn.q_proj'),
      kProj: at('self_attn.k_proj'),
      vProj: at('self_attn.v_proj'),
      oProj: at('self_attn.o_proj'),
      postAttentionNorm: at('post_attention_layernorm'),
      gateProj: at('mlp.gate_proj'),
      upProj: at('mlp.up_proj'),
      downProj: at('mlp.down_proj'),
    });
  }
  const { cos, sin } = createRopeTables(config);
  return {
    config,
    params,
    embedTokens: get(EMBEDDING_NAME),
    layers,
    finalNorm: get(FINAL_NORM_NAME),
    head: get(config.tieWordEmbeddings ? EMBEDDING_NAME : HEAD_NAME),
    ropeCos: cos,
    ropeSin: sin,
    dispose() {
      for (const variable of params.values()) variable.dispose();
      cos.dispose();
      sin.dispose();
    },
  };
}

function checked(name: string, shape: readonly number[], values: { shape: readonly number[]; data: Float32Array } | undefined): Float32Array {
  if (!values) throw new EngineError('bad-argument', `LM: parameter "${name}" is missing.`);
  if (String(values.shape) !== String(shape)) throw new EngineError('bad-shape', `LM: parameter "${name}" is [${values.shape}], expected [${shape}].`);
  return values.data;
}

/**
 * @param weights by Hugging Face name, borrowed and copied
 * @returns owned by the caller: dispose it
 * @throws EngineError bad-argument for a missing parameter, bad-shape for a misshapen one
 */
export function createLm(config: LmConfig, weights: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): LanguageModel {
  for (const [name, shape] of parameterShapes(config)) checked(name, shape, weights.get(name));
  // A copy, because plain JS backends compute on the very array they are given.
  return assemble(config, (name, shape) => tf.tensor(checked(name, shape, weights.get(name)).slice(), shape, 'float32'));
}

/** A second LM with the same weights in memory of its own. @param lm borrowed @returns owned by the caller */
export function cloneLm(lm: LanguageModel): LanguageModel {
  // tf.clone would share memory, which in-place optimizer steps rewrite; x · 1 is a copy and exact.
  return assemble(lm.config, (name) => tf.mul(lm.params.get(name) as tf.Variable, 1));
}

/** @param lm borrowed @returns all parameters by name, owned: copies of their values now */
export async function readParams(lm: LanguageModel): Promise<Map<string, ParamValues>> {
  const values = new Map<string, ParamValues>();
  for (const [name, variable] of lm.params) {
    const data = (await variable.data()) as Float32Array;
    values.set(name, { shape: [...variable.shape], data: data.slice() }); // backends may hand out their cached array
  }
  return values;
}

/**
 * Sets all parameters.
 * @param lm rewritten @param values borrowed and copied; must have every parameter, may have more
 * @throws EngineError bad-argument, bad-shape; then nothing is changed
 */
export function assignParams(lm: LanguageModel, values: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): void {
  for (const [name, variable] of lm.params) checked(name, variable.shape, values.get(name));
  for (const [name, variable] of lm.params) {
    const tensor = tf.tensor(checked(name, variable.shape, values.get(name)).slice(), variable.shape, 'float32');
    variable.assign(tensor);
    tensor.dispose();
  }
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
