/**
 * Token embedding, and other reads and writes of whole rows by index. The gradient is a deterministic scatter-add straight into the table's
 * gradient.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { storageNumber } from '../simd/packed.ts';
import type { Operand, Slice } from '../slice.ts';
import { addEmbeddingBackward, assertRowIndices, assertTokenIds, embedTokensForward, gatherRowsForward, scatterRowsForward } from './embedding.cpu.ts';
import { addEmbeddingGradProgram, embeddingLinksProgram, embedTokensPrograms, gatherRowsPrograms, scatterRowsProgram } from './embedding.webgpu.ts';

/** `positionTable` and `positions` are left out together. */
const embed: KernelSpec = {
  name: 'SidestepEmbedTokens',
  packed: ['table', 'positionTable'],
  outputs: ({ table, ids }) => [{ shape: [ids!.shape[0]!, table!.shape[1]!], dtype: 'float32' }],
  host: ({ table, ids, positionTable, positions }, { scale }, [out]) =>
    embedTokensForward(table!.f32, ids!.i32, positionTable && positions ? { table: positionTable.f32, positions: positions.i32 } : null, out!.f32, table!.shape[1]!, scale as number),
  wasm: (simd, { table, ids, positionTable, positions }, { scale }, [out]) => {
    assertTokenIds(simd.i32(ids!), table!.shape[0]!);
    if (positionTable) assertRowIndices('embedTokens', 'position', simd.i32(positions!), positionTable.shape[0]!);
    const [R, C] = out!.shape as [number, number];
    simd.run('embedTokens', simd.parallel(2 * R * C), R, C, table!.at, storageNumber(table!.storage), ids!.at, scale as number, positionTable?.at ?? 0, storageNumber(positionTable?.storage), positions?.at ?? 0, out!.at);
  },
  webgpu: ({ table, ids, positionTable, positions }, { scale }, [out]) => embedTokensPrograms({ table: table!, ids: ids!, positionTable, positions, out: out! }, table!.shape[1]!, scale as number),
};

/** The output is scratch: links between rows of one id. */
const addGrad: KernelSpec<'gradX' | 'ids' | 'into'> = {
  name: 'SidestepAddEmbeddingGrad',
  inPlace: ['into'],
  outputs: ({ ids }) => [{ shape: [2 * ids.shape[0]!], dtype: 'int32' }],
  host: ({ gradX, ids, into }, { scale }) => addEmbeddingBackward(gradX.f32, ids.i32, into.f32, into.shape[1]!, scale as number),
  wasm: (simd, { gradX, ids, into }, { scale }) => {
    assertTokenIds(simd.i32(ids), into.shape[0]!);
    const [R, C] = gradX.shape as [number, number];
    simd.run('addEmbeddingGrad', simd.parallel(2 * R * C), R, C, gradX.at, ids.at, scale as number, into.at);
  },
  webgpu: ({ gradX, ids, into }, { scale }, [links]) => [
    embeddingLinksProgram(ids, links!),
    addEmbeddingGradProgram({ gradX, ids, links: links!, into }, into.shape[1]!, scale as number),
  ],
};

const gather: KernelSpec<'x' | 'rows'> = {
  name: 'SidestepGatherRows',
  packed: ['x'],
  outputs: ({ x, rows }) => [{ shape: [rows.shape[0]!, x.shape[1]!], dtype: 'float32' }],
  host: ({ x, rows }, _attributes, [out]) => gatherRowsForward(x.f32, rows.i32, out!.f32, x.shape[1]!),
  wasm: (simd, { x, rows }, _attributes, [out]) => {
    assertRowIndices('gatherRows', 'row', simd.i32(rows), x.shape[0]!);
    const [N, C] = out!.shape as [number, number];
    simd.run('embedTokens', simd.parallel(N * C), N, C, x.at, storageNumber(x.storage), rows.at, 1, 0, 0, 0, out!.at);
  },
  webgpu: ({ x, rows }, _attributes, [out]) => gatherRowsPrograms(x, rows, out!, x.shape[1]!),
};

const scatter: KernelSpec<'grad' | 'rows'> = {
  name: 'SidestepScatterRows',
  outputs: ({ grad }, { totalRows }) => [{ shape: [totalRows as number, grad.shape[1]!], dtype: 'float32' }],
  host: ({ grad, rows }, _attributes, [out]) => scatterRowsForward(grad.f32, rows.i32, out!.f32, grad.shape[1]!),
  wasm: (simd, { grad, rows }, { totalRows }, [out]) => {
    assertRowIndices('scatterRows', 'row', simd.i32(rows), totalRows as number);
    const [N, C] = grad.shape as [number, number];
    simd.run('scatterRows', 1, N, totalRows as number, C, grad.at, rows.at, out!.at);
  },
  webgpu: ({ grad, rows }, _attributes, [out]) => [scatterRowsProgram(grad, rows, out!, grad.shape[1]!)],
};

export const embeddingSpecs = [embed, addGrad, gather, scatter] as KernelSpec[];

/**
 * out[r] = scale · table[ids[r]] + positional.table[positional.positions[r]]
 * @param table      [V, C] float32 or packed, borrowed
 * @param ids        [R] int32, borrowed; ids outside 0..V-1 throw on WASM and give NaN on WebGPU, positions outside their table too
 * @param positional learned positions (GPT-2): table [P, C] float32 or packed, and positions [R] int32, borrowed
 * @param scale      what rows of the token table are multiplied with (Gemma: the root of C)
 * @returns          [R, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function embedTokens(table: Operand, ids: tf.Tensor, positional?: { table: Operand; positions: tf.Tensor } | null, scale = 1): tf.Tensor {
  assertOperand('embedTokens', 'table', table, [null, null]);
  assertTensor('embedTokens', 'ids', ids, [null], 'int32');
  if (!positional) return runKernel(embed.name, { table, ids }, { scale })[0]!;
  assertOperand('embedTokens', 'position table', positional.table, [null, table.shape[1]!]);
  assertTensor('embedTokens', 'positions', positional.positions, ids.shape, 'int32');
  return runKernel(embed.name, { table, ids, positionTable: positional.table, positions: positional.positions }, { scale })[0]!;
}

/**
 * into[ids[r]] += scale · gradX[r], in row order: the same bits on every run. Also the gradient towards a position table, with positions as ids.
 * @param gradX [R, C] float32, borrowed
 * @param ids   [R] int32, borrowed; ids outside 0..V-1 throw on WASM and are passed over on WebGPU
 * @param into  [V, C], added to
 * @throws EngineError bad-shape, bad-argument
 */
export function addEmbeddingGrad(gradX: tf.Tensor, ids: tf.Tensor, into: Slice, scale = 1): void {
  assertOperand('addEmbeddingGrad', 'into', into, [null, null]);
  assertTensor('addEmbeddingGrad', 'ids', ids, [null], 'int32');
  assertTensor('addEmbeddingGrad', 'gradX', gradX, [ids.shape[0]!, into.shape[1]!]);
  runKernel(addGrad.name, { gradX, ids, into }, { scale })[0]!.dispose();
}

/**
 * out[n] = x[rows[n]]
 * @param x    [R, C] float32 or packed, borrowed
 * @param rows [N] int32, borrowed; a row outside 0..R-1 throws on WASM and gives NaN on WebGPU
 * @returns    [N, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function gatherRows(x: Operand, rows: tf.Tensor): tf.Tensor {
  assertOperand('gatherRows', 'x', x, [null, null]);
  assertTensor('gatherRows', 'rows', rows, [null], 'int32');
  return runKernel(gather.name, { x, rows })[0]!;
}

/**
 * The gradient of gatherRows: out[rows[n]] = grad[n], zeros elsewhere.
 * @param grad      [N, C] float32, borrowed
 * @param rows      [N] int32, all different, borrowed; a row outside 0..totalRows-1 throws on WASM and is passed over on WebGPU
 * @param totalRows R
 * @returns         [R, C] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function scatterRows(grad: tf.Tensor, rows: tf.Tensor, totalRows: number): tf.Tensor {
  assertTensor('scatterRows', 'grad', grad, [null, null]);
  assertTensor('scatterRows', 'rows', rows, [grad.shape[0]!], 'int32');
  return runKernel(scatter.name, { grad, rows }, { totalRows })[0]!;
}
