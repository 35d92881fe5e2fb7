/** CPU twin of embedding and of other reads and writes of rows by index: pure functions on flat arrays. */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

/** @throws EngineError bad-argument for an id outside 0..V-1 */
export function assertTokenIds(ids: Int32Array, vocabSize: number): void {
  for (const id of ids)
    if (id < 0 || id >= vocabSize) throw new EngineError('bad-argument', `embedding: token id ${id} is outside the vocabulary of ${vocabSize}.`);
}

/** @throws EngineError bad-argument for an index outside 0..count-1 */
export function assertRowIndices(op: string, what: string, indices: Int32Array, count: number): void {
  for (const index of indices)
    if (index < 0 || index >= count) throw new EngineError('bad-argument', `${op}: ${what} ${index} is outside the ${count} ${what}s.`);
}

/** gradTable [V, C] += scatter-add of scale · gradX [N, C] rows, in row order. */
export function addEmbeddingBackward(gradX: Floats, ids: Int32Array, gradTable: Floats, C: number, scale = 1): void {
  assertTokenIds(ids, gradTable.length / C);
  for (let r = 0; r < ids.length; r++) {
    const to = ids[r]! * C;
    for (let c = 0; c < C; c++) gradTable[to + c]! += scale * gradX[r * C + c]!;
  }
}

/** out[r] = scale · table[ids[r]] + positionTable[positions[r]]. @throws EngineError bad-argument for an id or a position outside its table */
export function embedTokensForward(table: Floats, ids: Int32Array, positional: { table: Floats; positions: Int32Array } | null, out: Floats, C: number, scale = 1): void {
  assertTokenIds(ids, table.length / C);
  ids.forEach((id, r) => {
    for (let c = 0; c < C; c++) out[r * C + c] = scale * table[id * C + c]!;
  });
  if (!positional) return;
  assertRowIndices('embedTokens', 'position', positional.positions, positional.table.length / C);
  for (let r = 0; r < ids.length; r++) {
    const position = positional.positions[r]!;
    for (let c = 0; c < C; c++) out[r * C + c]! += positional.table[position * C + c]!;
  }
}

/** out[n] = x[rows[n]]. @throws EngineError bad-argument for a row that x does not have */
export function gatherRowsForward(x: Floats, rows: Int32Array, out: Floats, C: number): void {
  assertRowIndices('gatherRows', 'row', rows, x.length / C);
  rows.forEach((row, n) => out.set(x.subarray(row * C, row * C + C), n * C));
}

/** out[rows[n]] = grad[n], zero elsewhere. @throws EngineError bad-argument for a row that out does not have */
export function scatterRowsForward(grad: Floats, rows: Int32Array, out: Floats, C: number): void {
  out.fill(0);
  assertRowIndices('scatterRows', 'row', rows, out.length / C);
  rows.forEach((row, n) => out.set(grad.subarray(n * C, n * C + C), row * C));
}
