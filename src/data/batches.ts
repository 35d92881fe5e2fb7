/**
 * Draws the rows of each micro-batch and lays them out for the LM: right padding, shifted labels, and the flat
 * positions of the response tokens, so that only these go through the LM head. Which rows a micro-batch has depends
 * on seed and index alone: a resumed run needs no generator state. Not for tensors.
 */
import { EngineError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EncodedRow, EncodedTrainingData } from './encodeTrainingData.ts';

/** Response tokens of some rows of a batch, row after row. */
export interface ResponseTokens {
  /** [N] index into the flattened [B * T] positions whose hidden state predicts the token. */
  positions: Int32Array;
  /** [N] the tokens to predict. */
  labels: Int32Array;
  /** [rows + 1] row r owns tokens offsets[r] .. offsets[r + 1] - 1. */
  rowOffsets: Int32Array;
}

/** One micro-batch: benign rows first, then unsafe ones. */
export interface Batch {
  /** [B, T] right-padded with 0; padding is never attended to by a real token, nor read. */
  inputIds: Int32Array;
  B: number;
  T: number;
  benign: ResponseTokens;
  unsafe: ResponseTokens;
  /** Which rows of `EncodedTrainingData.unsafe` the unsafe part holds. */
  unsafeRows: number[];
  /** Input tokens that are not padding. */
  tokens: number;
}

type DrawConfig = Pick<TrainConfig, 'seed' | 'benignPerStep' | 'borderlineShare' | 'unsafePerStep'>;

/** Items `from .. from + count - 1` of an endless sequence of seeded shuffles of 0..n-1: every row once before any row twice. */
export function drawFromDeck(n: number, from: number, count: number, rng: Rng): number[] {
  if (n === 0) return [];
  const drawn: number[] = [];
  let epoch = -1;
  let order: number[] = [];
  const identity = Array.from({ length: n }, (_, i) => i);
  for (let draw = from; draw < from + count; draw++) {
    const needed = Math.floor(draw / n);
    if (needed !== epoch) {
      epoch = needed;
      order = rng.fork(epoch).shuffle(identity);
    }
    drawn.push(order[draw % n]!);
  }
  return drawn;
}

/**
 * The rows of micro-batch `index` (0-based). The borderline share holds exactly in the long run, also where it is
 * not a whole number of rows; a set without rows leaves its place to the other benign set.
 */
export function drawRows(data: EncodedTrainingData, config: DrawConfig, index: number): { everyday: number[]; borderline: number[]; unsafe: number[] } {
  const rng = new Rng(config.seed).fork('batches');
  const share = data.borderline.length === 0 ? 0 : data.everyday.length === 0 ? 1 : config.borderlineShare;
  // The small constant keeps 10 * 0.3 from falling below 3 by rounding.
  const borderlineBefore = (i: number) => Math.floor(i * config.benignPerStep * share + 1e-9);
  const from = borderlineBefore(index);
  const count = borderlineBefore(index + 1) - from;
  return {
    everyday: drawFromDeck(data.everyday.length, index * config.benignPerStep - from, config.benignPerStep - count, rng.fork('everyday')),
    borderline: drawFromDeck(data.borderline.length, from, count, rng.fork('borderline')),
    unsafe: drawFromDeck(data.unsafe.length, index * config.unsafePerStep, config.unsafePerStep, rng.fork('unsafe')),
  };
}

function responseTokens(rows: readonly EncodedRow[], firstRow: number, T: number): ResponseTokens {
  const rowOffsets = Int32Array.from({ length: rows.length + 1 });
  rows.forEach((row, r) => (rowOffsets[r + 1] = rowOffsets[r]! + row.tokenIds.length - row.promptLength));
  const positions = new Int32Array(rowOffsets[rows.length]!);
  const labels = new Int32Array(positions.length);
  rows.forEach((row, r) => {
    for (let i = 0; i < row.tokenIds.length - row.promptLength; i++) {
      positions[rowOffsets[r]! + i] = (firstRow + r) * T + row.promptLength - 1 + i;
      labels[rowOffsets[r]! + i] = row.tokenIds[row.promptLength + i]!;
    }
  });
  return { positions, labels, rowOffsets };
}

/** Lays rows out as one batch, padded to its longest row. @throws EngineError bad-argument without rows */
export function collate(benign: readonly EncodedRow[], unsafe: readonly EncodedRow[], unsafeRows: number[]): Batch {
  const rows = [...benign, ...unsafe];
  if (rows.length === 0) throw new EngineError('bad-argument', 'A batch needs at least one row: set benignPerStep or unsafePerStep above 0.');
  // The last token of a row is only a label, never an input.
  const T = Math.max(...rows.map((row) => row.tokenIds.length - 1));
  const inputIds = new Int32Array(rows.length * T);
  rows.forEach((row, r) => inputIds.set(row.tokenIds.subarray(0, row.tokenIds.length - 1), r * T));
  return {
    inputIds,
    B: rows.length,
    T,
    benign: responseTokens(benign, 0, T),
    unsafe: responseTokens(unsafe, benign.length, T),
    unsafeRows,
    tokens: rows.reduce((sum, row) => sum + row.tokenIds.length - 1, 0),
  };
}

/** Micro-batch `index` (0-based) of a run. */
export function createBatch(data: EncodedTrainingData, config: DrawConfig, index: number): Batch {
  const drawn = drawRows(data, config, index);
  const benign = [...drawn.everyday.map((i) => data.everyday[i]!), ...drawn.borderline.map((i) => data.borderline[i]!)];
  return collate(benign, drawn.unsafe.map((i) => data.unsafe[i]!), drawn.unsafe);
}
