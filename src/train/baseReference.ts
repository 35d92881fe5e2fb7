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
import { gatherRows } from '../kernels/embedding/embedding.ts';
import { type CostEmbedding, type HeadLossInputs, labelLogProbs } from '../kernels/headLoss/headLoss.ts';
import { forward } from '../lm/forward.ts';
import type { LanguageModel } from '../lm/params.ts';
import { createCostEmbedding, disposeCostEmbedding } from '../loss/costEmbedding.ts';
import type { SemanticLossSettings } from '../loss/semanticLoss.ts';
import { readTensor } from '../optim/readTensor.ts';

/** Rows of one forward pass; only bounds memory. */
const rowsAtOnce = 16;

/** The frozen side of the semantic loss. */
export class BaseReference {
  private constructor(
    private readonly base: LanguageModel,
    /** Null without unsafe rows, as large vocabularies make it large. */
    readonly costEmbedding: CostEmbedding | null,
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
    const table = config.emdCostEmbedding === 'head' ? base.head : base.embedding;
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
        const states = gatherRows(forward(base, batch), tf.tensor1d(positions, 'int32'));
        return [states, labelLogProbs(states, base.head, tf.tensor1d(labels, 'int32'))];
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

  /** What the objective needs of the unsafe tokens of a batch: where its rows begin and log p_base of each token [N]. Owned by the caller. */
  tokensOf(batch: Batch): { rowOffsets: tf.Tensor1D; baseLogProbs: tf.Tensor1D } {
    const baseLogProbs = Float32Array.from(batch.unsafeRows.flatMap((row) => [...this.logProbs[row]!]));
    return { rowOffsets: tf.tensor1d(batch.unsafe.rowOffsets.slice(), 'int32'), baseLogProbs: tf.tensor1d(baseLogProbs) };
  }

  /**
   * What the fused head needs of the base LM for the unsafe tokens of a batch. The tensors of the anchor are owned by the caller.
   * Base distributions are kept as hidden states and put through the head again each time: C numbers a token in place of V.
   */
  frozenOf(batch: Batch, { emdObjective }: Pick<SemanticLossSettings, 'emdObjective'>): Pick<HeadLossInputs, 'cost' | 'anchor'> {
    const { hiddenStates, costEmbedding } = this;
    const cost = costEmbedding ? { cost: { ...costEmbedding, objective: emdObjective } } : {};
    if (!hiddenStates) return cost;
    const rows = batch.unsafeRows.flatMap((row) => Array.from({ length: this.rowOffsets[row + 1]! - this.rowOffsets[row]! }, (_, i) => this.rowOffsets[row]! + i));
    return { ...cost, anchor: { hidden: gatherRows(hiddenStates, tf.tensor1d(rows, 'int32')), head: this.base.head } };
  }

  dispose(): void {
    if (this.costEmbedding) disposeCostEmbedding(this.costEmbedding);
    this.hiddenStates?.dispose();
  }
}
