/** What the layers of one forward pass share, and what a layer gives that can be differentiated. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { Slice } from '../kernels/slice.ts';
import type { KvCache } from './kvCache.ts';
import type { LanguageModel } from './params.ts';

/** Borrowed by every layer. */
export interface Pass {
  B: number;
  T: number;
  /** [B · T] int32: counts from each row's first real token. */
  positions: tf.Tensor;
  /** [B] int32: first real slot of each row. */
  start: tf.Tensor;
  kvCache: KvCache | null;
  /** [B] int32: the rows of the cache that these rows are the prompts of; left out when every row of the cache goes on. */
  cacheRows?: tf.Tensor | undefined;
  /** The slab that gradients of what is trainable are added to, laid out as that; null in a pass that is not differentiated. */
  gradients: tf.Tensor | null;
}

/** The result of a layer, with its way back. */
export interface Differentiable {
  /** Owned by the caller. */
  y: tf.Tensor;
  /**
   * To be called once, in passes with gradients: adds the parameter gradients, frees what was kept for it.
   * @param gradY consumed
   * @returns gradient with respect to the layer's input, owned by the caller
   */
  backward(gradY: tf.Tensor): tf.Tensor;
}

/** The way back of a pass that kept nothing for it. */
export function notDifferentiable(): never {
  throw new EngineError('internal', 'This forward pass kept nothing for a backward pass.');
}

/** Where the gradient of a parameter is added; null if the parameter is frozen, so that its gradient is not computed. */
export function gradientOf({ trainable }: Pick<LanguageModel, 'trainable'>, parameter: Slice, gradients: tf.Tensor): Slice | null {
  return parameter.slab === trainable?.slab ? { ...parameter, slab: gradients } : null;
}
