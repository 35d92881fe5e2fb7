/**
 * How probable an LM finds given responses: negative log-likelihood token by token. For perplexity and coherence.
 * Not differentiable on purpose; training has its own objective.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import { gatherRows } from '../kernels/embedding/embedding.ts';
import { labelLogProbs } from '../kernels/headLoss/headLoss.ts';
import { forward } from './forward.ts';
import { assertTokenIds, type LanguageModel } from './params.ts';

export interface ScoredRow {
  /** Prompt and response. */
  inputIds: readonly number[];
  /**
   * Same length. labels[t] is the token that should stand at t, and is predicted from what stands before t, as in transformers;
   * -100 where nothing is scored. labels[0] can never be scored.
   */
  labels: readonly number[];
}

export interface ScoringOptions {
  signal?: AbortSignal;
  /** Called after each batch with the rows done so far. */
  onBatch?: (rowsDone: number) => void;
}

/** Not scored. */
const IGNORED = -100;

/** Negative log-likelihoods of one batch, all scored tokens in a row. Rows are padded on the right, which no token sees. */
function scoreBatch(lm: LanguageModel, rows: readonly ScoredRow[]): tf.Tensor {
  const T = Math.max(...rows.map(({ inputIds }) => inputIds.length)) - 1; // the last token predicts nothing
  const inputIds = new Int32Array(rows.length * T);
  const at: number[] = [];
  const labels: number[] = [];
  rows.forEach((row, b) => {
    for (let t = 0; t < Math.min(T, row.inputIds.length); t++) inputIds[b * T + t] = row.inputIds[t] as number;
    for (let t = 1; t < row.labels.length; t++) {
      if (row.labels[t] === IGNORED) continue;
      at.push(b * T + t - 1);
      labels.push(row.labels[t] as number);
    }
  });
  return tf.tidy(() => {
    const hidden = forward(lm, { inputIds, B: rows.length, T });
    return tf.neg(labelLogProbs(gatherRows(hidden, tf.tensor1d(at, 'int32')), lm.head, tf.tensor1d(labels, 'int32')));
  });
}

/**
 * @param rows borrowed @param batchSize rows a forward pass
 * @returns for each row the negative log-likelihood in nats of its scored tokens, in order
 * @throws EngineError bad-argument for labels of another length, a scored first token or an id outside the vocabulary; cancelled
 */
export async function tokenNll(lm: LanguageModel, rows: readonly ScoredRow[], batchSize: number, options: ScoringOptions = {}): Promise<Float32Array[]> {
  const counts = rows.map(({ inputIds, labels }, i) => {
    if (labels.length !== inputIds.length) throw new EngineError('bad-argument', `tokenNll: row ${i} has ${inputIds.length} tokens but ${labels.length} labels.`);
    if (labels.length > 0 && labels[0] !== IGNORED) throw new EngineError('bad-argument', `tokenNll: row ${i} scores its first token, which nothing predicts.`);
    assertTokenIds(lm.config, inputIds);
    assertTokenIds(lm.config, labels.filter((label) => label !== IGNORED));
    return labels.reduce((count, label) => count + (label === IGNORED ? 0 : 1), 0);
  });
  // Rows of like length go together: a batch is as long as its longest row.
  const order = rows.map((_, i) => i).sort((a, b) => (rows[a] as ScoredRow).inputIds.length - (rows[b] as ScoredRow).inputIds.length || a - b);
  const results: Float32Array[] = rows.map(() => new Float32Array(0));
  for (let from = 0; from < order.length; from += batchSize) {
    await nextMacrotask(); // WASM computes synchronously: a cancel could not arrive otherwise
    if (options.signal?.aborted) throw new EngineError('cancelled', 'Scoring was cancelled.');
    const indices = order.slice(from, from + batchSize);
    if (indices.some((i) => (counts[i] as number) > 0)) {
      const nll = scoreBatch(lm, indices.map((i) => rows[i] as ScoredRow));
      const values = (await nll.data()) as Float32Array;
      nll.dispose();
      let at = 0;
      for (const i of indices) {
        const count = counts[i] as number;
        results[i] = values.slice(at, at + count);
        at += count;
      }
    }
    options.onBatch?.(from + indices.length);
  }
  return results;
}
