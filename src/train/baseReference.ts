/**
 * What the frozen base LM says of the unsafe rows. Computed once at the start of a run, as neither the rows nor the
 * base LM change. Not for the rows of the benign loss: they need no reference.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import type { TrainConfig } from '../config/train.ts';
import { collate, type Batch } from '../data/batches.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';
import { embedding } from '../kernels/embedding/embedding.ts';
import { forward, lmHead } from '../lm/forward.ts';
import type { LanguageModel } from '../lm/params.ts';
import { createCostEmbedding } from '../loss/costEmbedding.ts';
import { labelLogProbs } from '../loss/semanticLoss.ts';
import { readTensor } from '../optim/readTensor.ts';

/** Rows of one forward pass; only bounds memory. */
const rowsAtOnce = 16;

/**
 * Logits at some positions of a batch; only these go through the LM head. Differentiable.
 * @param hiddenStates [B, T, C], borrowed
 * @param positions    [N] into the flattened [B * T], borrowed
 * @returns            [N, V], owned by the caller
 */
export function logitsAt(lm: LanguageModel, hiddenStates: tf.Tensor3D, positions: Int32Array): tf.Tensor2D {
  const [B, T, C] = hiddenStates.shape;
  return tf.tidy(() => lmHead(lm, embedding(tf.reshape(hiddenStates, [B * T, C]), tf.tensor1d(positions, 'int32')) as tf.Tensor2D) as tf.Tensor2D);
}

/** Hidden states of a batch, [B, T, C], owned by the caller. */
export function hiddenStatesOf(lm: LanguageModel, batch: Batch): tf.Tensor3D {
  return tf.tidy(() => forward(lm, tf.tensor2d(batch.inputIds, [batch.B, batch.T], 'int32')) as tf.Tensor3D);
}

/** The frozen side of the semantic loss. */
export class BaseReference {
  private constructor(
    private readonly base: LanguageModel,
    /** [V, D], unit rows; null without unsafe rows, as large vocabularies make it large. */
    readonly costEmbedding: tf.Tensor2D | null,
    /** Per unsafe row: log p_base of each response token. */
    private readonly logProbs: Float32Array[],
    /** [all unsafe response tokens, C], row after row; null where no KL anchor needs the base distributions. */
    private readonly hiddenStates: tf.Tensor2D | null,
    private readonly rowOffsets: Int32Array,
  ) {}

  /**
   * Runs the base LM over all unsafe rows.
   * @param base borrowed for the life of the result
   * @throws EngineError cancelled if the signal is aborted meanwhile
   */
  static async create(
    base: LanguageModel,
    rows: EncodedTrainingData,
    config: Pick<TrainConfig, 'emdCostEmbedding' | 'klBeta'>,
    signal?: AbortSignal,
  ): Promise<BaseReference> {
    // A tied head is the input table.
    const table = (config.emdCostEmbedding === 'head' ? base.head : base.embedTokens) as unknown as tf.Tensor2D;
    const logProbs: Float32Array[] = [];
    const hidden: tf.Tensor2D[] = [];
    const rowOffsets = Int32Array.from({ length: rows.unsafe.length + 1 });
    for (let first = 0; first < rows.unsafe.length; first += rowsAtOnce) {
      await nextMacrotask();
      if (signal?.aborted) {
        tf.dispose(hidden);
        throw new EngineError('cancelled', 'Training was cancelled before its first step.');
      }
      const batch = collate([], rows.unsafe.slice(first, first + rowsAtOnce), []);
      const { positions, labels, rowOffsets: offsets } = batch.unsafe;
      const [states, tokenLogProbs] = tf.tidy(() => {
        const all = hiddenStatesOf(base, batch);
        const [B, T, C] = all.shape;
        const states = embedding(tf.reshape(all, [B * T, C]), tf.tensor1d(positions, 'int32')) as tf.Tensor2D;
        return [states, labelLogProbs(lmHead(base, states) as tf.Tensor2D, tf.tensor1d(labels, 'int32'))];
      }) as [tf.Tensor2D, tf.Tensor1D];
      const values = await readTensor(tokenLogProbs);
      tokenLogProbs.dispose();
      if (config.klBeta > 0) hidden.push(states);
      else states.dispose();
      for (let r = 0; r + 1 < offsets.length; r++) {
        logProbs.push(values.slice(offsets[r], offsets[r + 1]));
        rowOffsets[first + r + 1] = rowOffsets[first + r]! + offsets[r + 1]! - offsets[r]!;
      }
    }
    const hiddenStates = hidden.length > 0 ? tf.concat(hidden, 0) : null;
    tf.dispose(hidden);
    return new BaseReference(base, rows.unsafe.length > 0 ? createCostEmbedding(table) : null, logProbs, hiddenStates, rowOffsets);
  }

  /** log p_base of the unsafe response tokens of a batch, [N], owned by the caller. */
  logProbsOf(batch: Batch): tf.Tensor1D {
    return tf.tensor1d(Float32Array.from(batch.unsafeRows.flatMap((row) => [...this.logProbs[row]!])));
  }

  /**
   * Logits of the base LM for the unsafe response tokens of a batch, [N, V], owned by the caller; null without KL anchor.
   * Kept as hidden states and put through the head again each time: C numbers a token in place of V.
   */
  logitsOf(batch: Batch): tf.Tensor2D | null {
    const { hiddenStates } = this;
    if (!hiddenStates) return null;
    const indices = batch.unsafeRows.flatMap((row) => Array.from({ length: this.rowOffsets[row + 1]! - this.rowOffsets[row]! }, (_, i) => this.rowOffsets[row]! + i));
    return tf.tidy(() => lmHead(this.base, embedding(hiddenStates, tf.tensor1d(indices, 'int32')) as tf.Tensor2D) as tf.Tensor2D);
  }

  dispose(): void {
    this.costEmbedding?.dispose();
    this.hiddenStates?.dispose();
  }
}
