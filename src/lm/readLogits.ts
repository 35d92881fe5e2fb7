/** Logits as plain numbers, for comparing one LM with another. Not for decoding or training: they need no copies. */
import * as tf from '@tensorflow/tfjs-core';
import { forward, lmHead } from './forward.ts';
import type { LanguageModel } from './params.ts';

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
