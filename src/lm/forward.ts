/**
 * The forward pass: token ids to hidden states, hidden states to logits. Differentiable unless a KV cache is used.
 * Head and body are apart, so that logits are only computed where they are needed.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { embedding } from '../kernels/embedding/embedding.ts';
import { linear } from '../kernels/matMul/matMul.ts';
import { rmsNorm } from '../kernels/rmsNorm/rmsNorm.ts';
import { block } from './block.ts';
import type { KvCache } from './kvCache.ts';
import type { LanguageModel } from './params.ts';

export interface ForwardOptions {
  /** Continues this cache and appends to it; it brings its own `start`. */
  kvCache?: KvCache;
  /** First real token of each row where rows are padded on the left. Right padding needs nothing: no token sees what follows it. */
  start?: ArrayLike<number>;
}

/**
 * Hidden states after the final norm.
 * @param inputIds [B, T] int32, borrowed
 * @returns        [B, T, C] float32, owned by the caller; rows of padding hold nothing of use
 * @throws EngineError bad-shape, bad-argument (a row longer than maxPositionEmbeddings or than the cache)
 */
export function forward(lm: LanguageModel, inputIds: tf.Tensor, options: ForwardOptions = {}): tf.Tensor {
  const { kvCache } = options;
  if (inputIds.shape.length !== 2) throw new EngineError('bad-shape', `forward: inputIds is [${inputIds.shape}], expected [B, T].`);
  const [B, T] = inputIds.shape as [number, number];
  const startSlots = kvCache?.startSlots ?? options.start ?? new Int32Array(B);
  const pastLength = kvCache?.length ?? 0;
  if (startSlots.length !== B) throw new EngineError('bad-shape', `forward: ${startSlots.length} rows have a start but inputIds has ${B}.`);
  if (kvCache && pastLength + T > kvCache.capacity)
    throw new EngineError('bad-argument', `forward: ${T} more tokens do not fit into a KV cache with ${pastLength} of ${kvCache.capacity} slots used.`);

  const positions = new Int32Array(B * T);
  for (let b = 0; b < B; b++) for (let t = 0; t < T; t++) positions[b * T + t] = Math.max(0, pastLength + t - (startSlots[b] as number));
  const longest = positions.reduce((max, position) => Math.max(max, position), 0) + 1;
  if (longest > lm.config.maxPositionEmbeddings)
    throw new EngineError('bad-argument', `forward: a row of ${longest} tokens is longer than the LM's context of ${lm.config.maxPositionEmbeddings}.`);

  const hiddenStates = tf.tidy(() => {
    const placement = {
      positions: tf.tensor2d(positions, [B, T], 'int32'),
      start: kvCache?.start ?? tf.tensor1d(Int32Array.from(startSlots), 'int32'),
      kvCache: kvCache ?? null,
    };
    let x = embedding(lm.embedTokens, inputIds);
    for (let index = 0; index < lm.layers.length; index++) {
      const next = block(lm, index, x, placement);
      x.dispose(); // on the tape a reference is kept for the gradient
      x = next;
    }
    return rmsNorm(x, lm.finalNorm, lm.config.rmsNormEps);
  });
  if (kvCache) kvCache.length += T;
  return hiddenStates;
}

/**
 * @param hidden [N, C] float32, borrowed
 * @returns      [N, V] float32 logits, owned by the caller
 */
export function lmHead(lm: LanguageModel, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, lm.head);
}
