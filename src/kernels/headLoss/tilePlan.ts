/** How the logits are cut into tiles, so that they are never stored whole. Not for what is done with a tile. */
import { sliceAlignment } from '../slice.ts';

/** A tile is at most `rows` x `columns` logits; the last ones of a row or column of tiles may be smaller. */
export interface TilePlan {
  /** Tokens of a tile. */
  rows: number;
  /** Vocabulary entries of a tile. */
  columns: number;
  /** One tile holds all logits: it is kept from forward to backward instead of being computed again. */
  whole: boolean;
}

/** Logits of up to this many bytes are one tile. */
const wholeTileBytes = 8 * 2 ** 20;

/** Other tiles have this many bytes, or a quarter of the hidden states where that is more. */
const smallestTileBytes = 2 ** 19;

/** Tiles are not cut below this many rows: matrix products of fewer are slow. */
const fewestRows = 128;

const alignDown = (size: number): number => Math.max(sliceAlignment, Math.floor(size / sliceAlignment) * sliceAlignment);
const alignUp = (size: number): number => Math.ceil(size / sliceAlignment) * sliceAlignment;

/**
 * Logits of at most 8 MiB are one tile. Larger ones are cut into tiles of max(512 KiB, N C floats / 4) bytes with a quarter of the rows, but
 * at least 128: so two tiles and the scratch rows of a tile take less room than the hidden states of many tokens do.
 * Rows and columns begin at multiples of 64, where slices may begin.
 * @param C          size of a hidden state
 * @param maxColumns vocabulary entries whose weights a program may see at once, a multiple of 128
 * @param packed     columns begin at multiples of 128: rows of packed weights of an odd length may begin there only
 */
export function planTiles(N: number, V: number, C: number, maxColumns = Infinity, packed = false): TilePlan {
  if (4 * N * V <= wholeTileBytes && V <= maxColumns) return { rows: N, columns: V, whole: true };
  const rows = Math.min(N, Math.max(fewestRows, alignUp(N / 4)));
  const tileBytes = Math.max(smallestTileBytes, N * C);
  const columns = alignDown(tileBytes / (4 * rows));
  return { rows, columns: Math.min(V, maxColumns, packed ? alignUp(columns / 2) * 2 : columns), whole: false };
}

/** A run of rows or of vocabulary entries. */
export interface Run {
  from: number;
  count: number;
}

/** 0..total-1 in runs of at most `size`. */
export function runsOf(total: number, size: number): Run[] {
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => ({ from: i * size, count: Math.min(size, total - i * size) }));
}
