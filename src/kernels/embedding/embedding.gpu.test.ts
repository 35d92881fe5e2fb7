import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { allBits, bitsOf, packedSliceOf, packedStorages } from '../../testing/packed.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { setUnpacksExactly } from '../packed.webgpu.ts';
import { tryUnpack } from '../tryUnpack.ts';
import { addEmbeddingBackward, embedTokensForward, gatherRowsForward, scatterRowsForward } from './embedding.cpu.ts';
import { addEmbeddingGrad, embedTokens, gatherRows, scatterRows } from './embedding.ts';

/** Where two arrays first differ, with what is there; null if nowhere. */
function firstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): string | null {
  for (let i = 0; i < expected.length; i++) if (found[i] !== expected[i]) return `${found[i]} instead of ${expected[i]} at ${i}`;
  return null;
}

const ints = (values: Int32Array): tf.Tensor => tf.tensor1d(values, 'int32');

describe.each(await testBackends())('rows by index on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1, 1, 1], [3, 65, 7, 9], [257, 63, 64, 33], [5, 4097, 3, 5], [2048, 130, 68, 64]])('embed tokens and positions from slabs, and add gradients to one: V %i, R %i, C %i, P %i', async (V, R, C, P) => {
    const [table, positionTable, gradX, before] = [randomFloats(V * C, 1), randomFloats(P * C, 2), randomFloats(R * C, 3), randomFloats(V * C, 4)];
    const [ids, positions] = [randomInts(R, V, 5), randomInts(R, P, 6)];
    const params = createSlab([{ shape: [V, C], data: table }, { shape: [P, C], data: positionTable }]);
    const grads = createSlab([{ shape: [V, C], data: before }]);
    const [idTensor, positionTensor, gradTensor] = [ints(ids), ints(positions), tf.tensor2d(gradX, [R, C])];
    const [plain, positioned] = [embedTokens(params.slices[0]!, idTensor), embedTokens(params.slices[0]!, idTensor, { table: params.slices[1]!, positions: positionTensor })];
    const numTensors = tf.memory().numTensors;
    addEmbeddingGrad(gradTensor, idTensor, grads.slices[0]!);
    addEmbeddingGrad(gradTensor, idTensor, grads.slices[0]!);
    expect(tf.memory().numTensors).toBe(numTensors);
    const [gotPlain, gotPositioned, gotGrads] = await download(opened, [plain, positioned, grads.slab]);
    const expected = new Float32Array(R * C);
    embedTokensForward(table, ids, null, expected, C);
    expect(gotPlain).toEqual(expected);
    embedTokensForward(table, ids, { table: positionTable, positions }, expected, C);
    expect(gotPositioned).toEqual(expected);
    const expectedGrad = Float64Array.from(before);
    for (let i = 0; i < 2; i++) addEmbeddingBackward(Float64Array.from(gradX), ids, expectedGrad, C);
    assertAllClose(readSlices(gotGrads!, grads.slices)[0]!, expectedGrad, { ...reduction, atol: 2e-4 }, 'gradient, twice');
    tf.dispose([params.slab, idTensor, positionTensor, gradTensor]);
  });

  it('give the same gradient bits on every run, though many rows share an id', async () => {
    const run = (): tf.Tensor => {
      const { slab, slices } = createSlab([{ shape: [4, 8], data: new Float32Array(32) }]);
      tf.tidy(() => addEmbeddingGrad(tf.tensor2d(randomFloats(2400, 6), [300, 8]), ints(randomInts(300, 4, 5)), slices[0]!));
      return slab;
    };
    const [first, second] = await download(opened, [run(), run()]);
    expect(second).toEqual(first);
  });

  it.each([[1, 1, 1], [65, 7, 3], [63, 63, 64], [257, 100, 68]])('gather and scatter: R %i, N %i, C %i', async (R, N, C) => {
    const [x, grad] = [randomFloats(R * C, 1), randomFloats(N * C, 2)];
    // Steps of 5 visit every row once before any again, as 5 divides none of these R.
    const rows = Int32Array.from({ length: N }, (_, n) => (n * 5 + 3) % R);
    const [gathered, scattered] = await download(opened, tf.tidy(() => [gatherRows(tf.tensor2d(x, [R, C]), ints(rows)), scatterRows(tf.tensor2d(grad, [N, C]), ints(rows), R)]));
    const expected = [new Float32Array(N * C), new Float32Array(R * C).fill(9)] as const;
    gatherRowsForward(x, rows, expected[0], C);
    scatterRowsForward(grad, rows, expected[1], C);
    expect(gathered).toEqual(expected[0]);
    expect(scattered).toEqual(expected[1]);
  });

  it.each([[7, 5], [64, 64]])('scale what they embed and its gradient: R %i, C %i', async (R, C) => {
    const scale = Math.fround(Math.sqrt(C));
    const [table, positionTable, gradX] = [randomFloats(9 * C, 1), randomFloats(4 * C, 2), randomFloats(R * C, 3)];
    const [ids, positions] = [randomInts(R, 9, 5), randomInts(R, 4, 6)];
    const grads = createSlab([{ shape: [9, C], data: new Float32Array(9 * C) }]);
    const [idTensor, positionTensor, gradTensor, tableTensor, positionTableTensor] = [ints(ids), ints(positions), tf.tensor2d(gradX, [R, C]), tf.tensor2d(table, [9, C]), tf.tensor2d(positionTable, [4, C])];
    const scaled = embedTokens(tableTensor, idTensor, { table: positionTableTensor, positions: positionTensor }, scale);
    addEmbeddingGrad(gradTensor, idTensor, grads.slices[0]!, scale);
    const [got, gotGrads] = await download(opened, [scaled, grads.slab]);
    const [expected, expectedGrad] = [new Float64Array(R * C), new Float64Array(9 * C)];
    embedTokensForward(table, ids, { table: positionTable, positions }, expected, C, scale);
    addEmbeddingBackward(gradX, ids, expectedGrad, C, scale);
    assertAllClose(got!, expected, reduction, 'embedded');
    assertAllClose(readSlices(gotGrads!, grads.slices)[0]!, expectedGrad, { ...reduction, atol: 2e-4 }, 'gradient');
    tf.dispose([idTensor, positionTensor, gradTensor, tableTensor, positionTableTensor]);
  });

  const decodings = backendName === 'webgpu' ? ([['f16', false], ['f16', true], ['bf16', false]] as const) : packedStorages.map((storage) => [storage, false] as const);
  it.each(decodings)('read every value that %s packs exactly, subnormals, infinities and both zeros too, from odd rows and even ones (by the device: %s)', async (storage, byDevice) => {
    if (byDevice) {
      if (!(await tryUnpack())) return;
    } else if (backendName === 'webgpu') setUnpacksExactly(false);
    const all = allBits(storage);
    for (const C of [8, 7]) {
      const V = Math.floor(all.length / C);
      const { slice, decoded } = packedSliceOf(all.subarray(0, V * C), [V, C], storage);
      const rows = ints(Int32Array.from({ length: V }, (_, i) => V - 1 - i));
      const expected = Float32Array.from({ length: V * C }, (_, i) => decoded[(V - 1 - Math.floor(i / C)) * C + (i % C)]!);
      const zeros = ints(new Int32Array(V));
      const row = tf.zeros([1, C]);
      const [gathered, embedded, positioned] = await download(opened, [gatherRows(slice, rows), embedTokens(slice, rows), embedTokens(row, zeros, { table: slice, positions: rows })]);
      expect(firstDifference(bitsOf(gathered!), bitsOf(expected))).toBeNull();
      expect(firstDifference(bitsOf(embedded!), bitsOf(expected))).toBeNull();
      // A sum may take denormal float32 numbers for zero, which half precision does not have.
      if (storage === 'f16') expect(firstDifference(positioned!, expected.map((value) => value + 0))).toBeNull();
      tf.dispose([slice.slab, rows, zeros, row]);
    }
  });

  it('refuse or mark an index outside its table', async () => {
    const x = tf.ones([2, 2]);
    const outside = tf.tensor1d([1, 2, -1], 'int32');
    if (backendName === 'wasm') {
      for (const call of [() => embedTokens(x, outside), () => gatherRows(x, outside), () => scatterRows(tf.ones([3, 2]), outside, 2)]) expect(call).toThrow('outside');
      const { slab, slices } = createSlab([{ shape: [2, 2], data: new Float32Array(4) }]);
      expect(() => addEmbeddingGrad(tf.ones([3, 2]), outside, slices[0]!)).toThrow('outside');
      slab.dispose();
    } else {
      const [embedded, gathered, positioned] = await download(opened, [embedTokens(x, outside), gatherRows(x, outside), embedTokens(x, tf.zerosLike(outside), { table: x, positions: outside })]);
      expect(Array.from(embedded!)).toEqual([1, 1, NaN, NaN, NaN, NaN]);
      expect(gathered).toEqual(embedded);
      expect(Array.from(positioned!)).toEqual([2, 2, NaN, NaN, NaN, NaN]);
    }
    tf.dispose([x, outside]);
  });
});
