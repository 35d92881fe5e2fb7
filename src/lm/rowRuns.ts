/**
 * Where the rows of a stored parameter go in the LM, and what is added to them, for loading piece by piece; each value of a vector is a row.
 * Whole parameters are converted by config/storedForm.ts.
 */
import type { LmConfig } from '../config/lm.ts';
import { storedAs } from '../config/storedForm.ts';

/** Rows that lie together in the file as well as in the LM. */
export interface RowRun {
  stored: number;
  held: number;
  count: number;
}

/**
 * Where rows [begin, end) of a parameter as it is stored lie in the LM, in the order of the file.
 * @param rows of the whole parameter
 */
export function rowRuns(config: LmConfig, name: string, begin: number, end: number): RowRun[] {
  if (storedAs(config, name) !== 'qkvByHead') return [{ stored: begin, held: begin, count: end - begin }];
  // [H, 3, K] in the file, [3, H, K] in the LM.
  const { numAttentionHeads: H, headDim: K } = config;
  const runs: RowRun[] = [];
  for (let row = begin; row < end; ) {
    const [block, within] = [Math.floor(row / K), row % K];
    const count = Math.min(K - within, end - row);
    runs.push({ stored: row, held: ((block % 3) * H + Math.floor(block / 3)) * K + within, count });
    row += count;
  }
  return runs;
}

/** What the LM adds to each stored value: Gemma stores the gain of a norm as its difference from 1. */
export function storedOffset(config: LmConfig, name: string): 0 | 1 {
  return storedAs(config, name) === 'minusOne' ? 1 : 0;
}
