/** The token embeddings that the cost of the Earth Mover's Distance is measured in. Frozen for the whole run. */
import * as tf from '@tensorflow/tfjs-core';
import { gatherRows } from '../kernels/embedding/embedding.ts';
import type { CostEmbedding } from '../kernels/headLoss/headLoss.ts';
import { copyOf, type Operand, type Slice, storageOf } from '../kernels/slice.ts';

/** Rows decoded at once where lengths are measured: 8 MiB of 512 values each. */
const rowsAtOnce = 4096;

/** 1 / length of each row, 0 for rows of zeros: [R, 1]. */
function inverseLengthsOf(table: tf.Tensor): tf.Tensor {
  const squares = tf.sum(tf.square(table), 1, true);
  return tf.where(tf.greater(squares, 0), tf.rsqrt(tf.maximum(squares, 1e-30)), tf.zerosLike(squares));
}

/** Measures a packed table block by block: never decoded whole. */
function inverseLengthsOfPacked(table: Slice): tf.Tensor {
  const [V, D] = table.shape as [number, number];
  const blocks: tf.Tensor[] = [];
  for (let from = 0; from < V; from += rowsAtOnce) {
    const count = Math.min(rowsAtOnce, V - from);
    const block = { ...table, offset: table.offset + from * D, shape: [count, D] };
    blocks.push(tf.tidy(() => tf.reshape(inverseLengthsOf(gatherRows(block, tf.range(0, count, 1, 'int32'))), [count])));
  }
  const lengths = tf.concat(blocks);
  tf.dispose(blocks);
  return lengths;
}

/**
 * Lets every row of an embedding table count as a vector of length 1, so that the cost 1 - e_i.e_j is a cosine distance. Rows of length
 * 0 (tokens that were never trained) stay 0: similarity 0 to every token, so they neither pull nor push.
 * A float32 table is copied, as it may be trained on; a packed one is frozen and stays where it is, only its lengths are new: V floats.
 * @param table [V, D]: input embeddings or LM head of the frozen base LM; borrowed, if packed for the life of the result
 * @returns what the caller frees with disposeCostEmbedding
 */
export function createCostEmbedding(table: Operand): CostEmbedding {
  if (storageOf(table)) return { embedding: table, inverseLengths: inverseLengthsOfPacked(table as Slice) };
  const embedding = tf.tidy(() => {
    const copy = copyOf(table);
    return tf.mul(copy, inverseLengthsOf(copy));
  });
  return { embedding, inverseLengths: null };
}

/** Frees what createCostEmbedding made, and leaves a table that it borrowed. */
export function disposeCostEmbedding({ embedding, inverseLengths }: CostEmbedding): void {
  if (inverseLengths) inverseLengths.dispose();
  else if (embedding instanceof tf.Tensor) embedding.dispose();
}
