/**
 * The forward pass, token ids to hidden states, and its way back. Head and body are apart: the loss has its own, fused head, and logits are
 * only computed where they are needed.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { addEmbeddingGrad, embedTokens } from '../kernels/embedding/embedding.ts';
import { linear } from '../kernels/matMul/linear.ts';
import { block, checkpointedBlock } from './block.ts';
import type { KvCache } from './kvCache.ts';
import { norm, normGrad } from './norm.ts';
import type { LanguageModel } from './params.ts';
import { type Differentiable, gradientOf, type Pass } from './pass.ts';

/** Token ids of a batch, on the host: positions and lengths are checked there. */
export interface TokenBatch {
  /** [B · T], row after row. Borrowed. */
  inputIds: Int32Array;
  B: number;
  T: number;
}

export interface ForwardOptions {
  /** Continues this cache and appends to it; it brings its own `start`. */
  kvCache?: KvCache;
  /** First real token of each row where rows are padded on the left. Right padding needs nothing: no token sees what follows it. */
  start?: ArrayLike<number>;
  /**
   * The batch is the prompts of these rows of the cache, padded on the left (`start` counts within the batch): they end at slot
   * `kvCache.length − 1`, and the length stays. So rows can begin while others go on.
   */
  cacheRows?: readonly number[];
}

/** @throws EngineError bad-shape, bad-argument (a row longer than maxPositionEmbeddings or than the cache) */
function positionsOf(lm: LanguageModel, { inputIds, B, T }: TokenBatch, startSlots: ArrayLike<number>, kvCache: KvCache | undefined): Int32Array {
  const pastLength = kvCache?.length ?? 0;
  if (inputIds.length !== B * T) throw new EngineError('bad-shape', `forward: ${inputIds.length} ids are not [${B}, ${T}].`);
  if (startSlots.length !== B) throw new EngineError('bad-shape', `forward: ${startSlots.length} rows have a start but inputIds has ${B}.`);
  if (kvCache && pastLength + T > kvCache.capacity)
    throw new EngineError('bad-argument', `forward: ${T} more tokens do not fit into a KV cache with ${pastLength} of ${kvCache.capacity} slots used.`);
  const positions = new Int32Array(B * T);
  let longest = 0;
  for (let b = 0; b < B; b++) {
    for (let t = 0; t < T; t++) positions[b * T + t] = Math.max(0, pastLength + t - (startSlots[b] as number));
    longest = Math.max(longest, pastLength + T - (startSlots[b] as number));
  }
  if (longest > lm.config.maxPositionEmbeddings)
    throw new EngineError('bad-argument', `forward: a row of ${longest} tokens is longer than the LM's context of ${lm.config.maxPositionEmbeddings}.`);
  lm.ropes?.cover(longest);
  return positions;
}

function embed(lm: LanguageModel, ids: tf.Tensor, { positions }: Pass): tf.Tensor {
  return embedTokens(lm.embedding, ids, lm.positionTable && { table: lm.positionTable, positions }, lm.config.embeddingScale);
}

/**
 * Hidden states after the final norm. Not differentiable: for generation and scoring.
 * @returns [B · T, C] float32, owned by the caller; rows of padding hold nothing of use
 * @throws EngineError bad-shape, bad-argument (a row longer than maxPositionEmbeddings or than the cache)
 */
export function forward(lm: LanguageModel, batch: TokenBatch, options: ForwardOptions = {}): tf.Tensor {
  const { kvCache } = options;
  const { cacheRows } = options;
  if (cacheRows && (!kvCache || cacheRows.length !== batch.B || batch.T > kvCache.length || cacheRows.some((row) => !(row >= 0 && row < kvCache.batchSize))))
    throw new EngineError('bad-argument', `forward: prompts of ${batch.T} tokens cannot end at slot ${kvCache?.length} of rows ${cacheRows}.`);
  const ongoing = cacheRows ? undefined : kvCache;
  const startSlots = ongoing?.startSlots ?? options.start ?? new Int32Array(batch.B);
  const positions = positionsOf(lm, batch, startSlots, ongoing);
  const hiddenStates = tf.tidy(() => {
    const pass: Pass = {
      B: batch.B,
      T: batch.T,
      positions: tf.tensor1d(positions, 'int32'),
      start: ongoing?.start ?? tf.tensor1d(Int32Array.from(startSlots), 'int32'),
      kvCache: kvCache ?? null,
      cacheRows: cacheRows && tf.tensor1d([...cacheRows], 'int32'),
      gradients: null,
    };
    let x = embed(lm, tf.tensor1d(batch.inputIds.slice(), 'int32'), pass);
    for (let index = 0; index < lm.layers.length; index++) {
      const { y } = block(lm, index, x, pass);
      x.dispose();
      x = y;
    }
    return norm(lm, lm.finalNorm, x);
  });
  if (ongoing) ongoing.length += batch.T;
  return hiddenStates;
}

/**
 * The same with a way back. To be called, with its `backward`, inside one tf.tidy, which frees everything should anything throw.
 * @param batch     padded on the right
 * @param gradients slab that the gradients of what is trainable in the body are added to, laid out as that; rewritten
 * @returns y: hidden states after the final norm [B · T, C], owned by the caller; backward consumes their gradient
 * @throws EngineError bad-shape, bad-argument (a row longer than maxPositionEmbeddings)
 */
export function differentiableForward(lm: LanguageModel, batch: TokenBatch, gradients: tf.Tensor, options: { gradientCheckpointing: boolean }): { y: tf.Tensor; backward(gradY: tf.Tensor): void } {
  const positions = positionsOf(lm, batch, new Int32Array(batch.B), undefined);
  const pass: Pass = { B: batch.B, T: batch.T, positions: tf.tensor1d(positions, 'int32'), start: tf.zeros([batch.B], 'int32'), kvCache: null, gradients };
  const ids = tf.tensor1d(batch.inputIds.slice(), 'int32');
  const layerOf = options.gradientCheckpointing ? checkpointedBlock : block;
  const inputs: tf.Tensor[] = [embed(lm, ids, pass)];
  const layers: Differentiable[] = [];
  for (let index = 0; index < lm.layers.length; index++) {
    const layer = layerOf(lm, index, inputs.at(-1)!, pass);
    layers.push(layer);
    inputs.push(layer.y);
  }
  return {
    y: norm(lm, lm.finalNorm, inputs.at(-1)!),
    backward: (gradY) => {
      const last = inputs.pop()!;
      let grad = normGrad(lm, lm.finalNorm, last, gradY, null, gradients);
      tf.dispose([last, gradY]);
      for (let layer = layers.pop(); layer; layer = layers.pop()) {
        grad = layer.backward(grad);
        inputs.pop()!.dispose();
      }
      const gradEmbedding = gradientOf(lm, lm.embedding, gradients);
      if (gradEmbedding) addEmbeddingGrad(grad, ids, gradEmbedding, lm.config.embeddingScale);
      const gradPositions = lm.positionTable && gradientOf(lm, lm.positionTable, gradients);
      if (gradPositions) addEmbeddingGrad(grad, pass.positions, gradPositions);
      tf.dispose([grad, ids, pass.positions, pass.start]);
    },
  };
}

/**
 * @param hidden [N, C] float32, borrowed
 * @returns      [N, V] float32 logits, owned by the caller
 */
export function lmHead(lm: LanguageModel, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, lm.head);
}
