import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { addEmbeddingBackward, embedTokensForward, gatherRowsForward, scatterRowsForward } from './embedding.cpu.ts';

const C = 3;
const ids = Int32Array.of(2, 0, 2, 6, 2);
const positions = Int32Array.of(0, 1, 2, 0, 1);

describe('rows by index (CPU twins)', () => {
  it('embed tokens with the gradients that central differences measure, and add them', () => {
    const [table, positionTable] = [randomDoubles(7 * C, 1), randomDoubles(3 * C, 2)];
    const gradX = randomDoubles(ids.length * C, 3);
    const out = new Float64Array(gradX.length);
    const f = (): number => {
      embedTokensForward(table, ids, { table: positionTable, positions }, out, C, 3);
      return dot(out, gradX);
    };
    const [gradTable, gradPositions] = [new Float64Array(table.length), new Float64Array(positionTable.length)];
    addEmbeddingBackward(gradX, ids, gradTable, C, 3);
    addEmbeddingBackward(gradX, positions, gradPositions, C);
    assertGradient(f, table, gradTable, 'table');
    assertGradient(f, positionTable, gradPositions, 'position table');
    const twice = gradTable.slice();
    addEmbeddingBackward(gradX, ids, twice, C, 3);
    twice.forEach((v, i) => expect(v).toBeCloseTo(2 * gradTable[i]!, 12));
  });

  it('gather rows with the gradient that central differences measure', () => {
    const rows = Int32Array.of(4, 0, 2);
    const x = randomDoubles(5 * C, 1);
    const grad = randomDoubles(rows.length * C, 2);
    const out = new Float64Array(grad.length);
    const f = (): number => {
      gatherRowsForward(x, rows, out, C);
      return dot(out, grad);
    };
    const gradX = new Float64Array(x.length).fill(9);
    scatterRowsForward(grad, rows, gradX, C);
    assertGradient(f, x, gradX, 'x');
  });

  it('refuse indices outside their tables', () => {
    const table = new Float32Array(2 * C);
    const out = new Float32Array(C);
    expect(() => embedTokensForward(table, Int32Array.of(2), null, out, C)).toThrow('token id 2');
    expect(() => embedTokensForward(table, Int32Array.of(1), { table, positions: Int32Array.of(-1) }, out, C)).toThrow('position -1');
    expect(() => gatherRowsForward(table, Int32Array.of(2), out, C)).toThrow('row 2 is outside the 2 rows');
    expect(() => scatterRowsForward(out, Int32Array.of(-1), table, C)).toThrow('row -1');
    expect(() => addEmbeddingBackward(out, Int32Array.of(2), table, C)).toThrow('token id 2');
  });
});
