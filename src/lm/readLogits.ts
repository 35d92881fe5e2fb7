/** Logits as plain numbers, for comparing one LM with another. Not for decoding or training: they need no copies. */
import * as tf from '@tensorflow/tfjs-core';
import { gatherRows } from '../kernels/embedding/embedding.ts';
import { forward, lmHead } from './forward.ts';
import { assertTokenIds, type LanguageModel } from './params.ts';

/**
 * @param rows token ids of each row, borrowed
 * @returns for each row [T, V] row-major, owned by the caller
 */
export async function readLogits(lm: LanguageModel, rows: readonly (readonly number[])[]): Promise<Float32Array[]> {
  const results: Float32Array[] = [];
  for (const row of rows) {
    const logits = tf.tidy(() => lmHead(lm, forward(lm, { inputIds: Int32Array.from(row), B: 1, T: row.length })));
    results.push(Float32Array.from(await logits.data()));
    logits.dispose();
  }
  return results;
}

/** Logits of so many bytes are computed and read at once. */
const PIECE_BYTES = 2 ** 25;

/**
 * Logits of one row of tokens, never all of them at once.
 * @param ids borrowed
 * @yields pieces of [T, V] in row-major order, whole rows each, owned by the caller
 * @throws EngineError bad-argument for ids outside the vocabulary or a row longer than the context
 */
export async function* logitsInPieces(lm: LanguageModel, ids: readonly number[]): AsyncGenerator<Float32Array> {
  assertTokenIds(lm.config, ids);
  const T = ids.length;
  const rowsAtOnce = Math.max(1, Math.floor(PIECE_BYTES / (4 * lm.config.vocabSize)));
  const hidden = forward(lm, { inputIds: Int32Array.from(ids), B: 1, T });
  try {
    for (let from = 0; from < T; from += rowsAtOnce) {
      const rows = Int32Array.from({ length: Math.min(rowsAtOnce, T - from) }, (_, i) => from + i);
      const logits = tf.tidy(() => lmHead(lm, gatherRows(hidden, tf.tensor1d(rows, 'int32'))));
      const values = Float32Array.from(await logits.data());
      logits.dispose();
      yield values;
    }
  } finally {
    hidden.dispose();
  }
}
