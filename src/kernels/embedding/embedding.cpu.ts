/** CPU twin of embedding: pure functions on flat arrays. */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

/** @throws EngineError bad-argument for an id outside 0..V-1 */
export function assertTokenId(id: number, vocabSize: number): void {
  if (id < 0 || id >= vocabSize) throw new EngineError('bad-argument', `embedding: token id ${id} is outside the vocabulary of ${vocabSize}.`);
}

/** out[r] = weight[inputIds[r]]. weight [V, C], inputIds [N], out [N, C]. @throws EngineError bad-argument for an id outside 0..V-1 */
export function embeddingForward(weight: Floats, inputIds: Int32Array, out: Floats, C: number): void {
  const V = weight.length / C;
  for (let r = 0; r < inputIds.length; r++) {
    const id = inputIds[r]!;
    assertTokenId(id, V);
    out.set(weight.subarray(id * C, id * C + C), r * C);
  }
}

/** gradWeight = scatter-add of gradOut rows, in row order, so the sum is the same on every run. gradWeight is overwritten. */
export function embeddingBackward(gradOut: Floats, inputIds: Int32Array, gradWeight: Floats, C: number): void {
  gradWeight.fill(0);
  const V = gradWeight.length / C;
  for (let r = 0; r < inputIds.length; r++) {
    assertTokenId(inputIds[r]!, V);
    const to = inputIds[r]! * C;
    const from = r * C;
    for (let c = 0; c < C; c++) gradWeight[to + c]! += gradOut[from + c]!;
  }
}

/** gradTable [V, C] += scatter-add of gradX [N, C] rows, in row order. */
export function addEmbeddingBackward(gradX: Floats, ids: Int32Array, gradTable: Floats, C: number): void {
  const V = gradTable.length / C;
  for (let r = 0; r < ids.length; r++) {
    assertTokenId(ids[r]!, V);
    const to = ids[r]! * C;
    for (let c = 0; c < C; c++) gradTable[to + c]! += gradX[r * C + c]!;
  }
}

/** out[r] = table[ids[r]] + positionTable[positions[r]]. @throws EngineError bad-argument for an id or a position outside its table */
export function embedTokensForward(table: Floats, ids: Int32Array, positional: { table: Floats; positions: Int32Array } | null, out: Floats, C: number): void {
  embeddingForward(table, ids, out, C);
  if (!positional) return;
  const P = positional.table.length / C;
  for (let r = 0; r < ids.length; r++) {
    const position = positional.positions[r]!;
    if (position < 0 || position >= P) throw new EngineError('bad-argument', `embedTokens: position ${position} is outside the ${P} positions of this model.`);
    for (let c = 0; c < C; c++) out[r * C + c]! += positional.table[position * C + c]!;
  }
}

/** out[n] = x[rows[n]]. @throws EngineError bad-argument for a row that x does not have */
export function gatherRowsForward(x: Floats, rows: Int32Array, out: Floats, C: number): void {
  rows.forEach((row, n) => {
    if (row < 0 || row * C >= x.length) throw new EngineError('bad-argument', `gatherRows: row ${row} is outside the ${x.length / C} rows.`);
    out.set(x.subarray(row * C, row * C + C), n * C);
  });
}

/** out[rows[n]] = grad[n], zero elsewhere. @throws EngineError bad-argument for a row that out does not have */
export function scatterRowsForward(grad: Floats, rows: Int32Array, out: Floats, C: number): void {
  out.fill(0);
  rows.forEach((row, n) => {
    if (row < 0 || row * C >= out.length) throw new EngineError('bad-argument', `scatterRows: row ${row} is outside the ${out.length / C} rows.`);
    out.set(grad.subarray(n * C, n * C + C), row * C);
  });
}
