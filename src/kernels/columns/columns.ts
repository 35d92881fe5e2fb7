/**
 * Blocks of columns of a matrix: what several linear layers that are computed as one product need to be treated one by one.
 * Not for whole rows (embedding).
 */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { type Attributes, type KernelSpec, type KernelTensor, runKernel } from '../kernelSpec.ts';
import { addColumnsForward, type ColumnSizes, takeColumnsForward } from './columns.cpu.ts';
import { columnsProgram } from './columns.webgpu.ts';

const sizesOf = ({ shape }: Pick<KernelTensor, 'shape'>, attributes: Attributes): ColumnSizes => {
  const { from, count, scale } = attributes as unknown as Pick<ColumnSizes, 'from' | 'count' | 'scale'>;
  return { R: shape[0]!, W: shape[1]!, from, count, scale };
};

const take: KernelSpec<'x'> = {
  name: 'SidestepTakeColumns',
  outputs: ({ x }, { count }) => [{ shape: [x.shape[0]!, count as number], dtype: 'float32' }],
  host: ({ x }, attributes, [part]) => takeColumnsForward(x.f32, part!.f32, sizesOf(x, attributes)),
  wasm: (simd, { x }, attributes, [part]) => {
    const { R, W, from, count, scale } = sizesOf(x, attributes);
    simd.run('takeColumns', simd.parallel(R * count), R, W, from, count, scale, x.at, part!.at);
  },
  webgpu: ({ x }, attributes, [part]) => [columnsProgram('takeColumns', x, part!, sizesOf(x, attributes))],
};

const add: KernelSpec<'into' | 'part'> = {
  name: 'SidestepAddColumns',
  inPlace: ['into'],
  outputs: () => [],
  host: ({ into, part }, attributes) => addColumnsForward(into.f32, part.f32, sizesOf(into, attributes)),
  wasm: (simd, { into, part }, attributes) => {
    const { R, W, from, count, scale } = sizesOf(into, attributes);
    simd.run('addColumns', simd.parallel(2 * R * count), R, W, from, count, scale, into.at, part.at);
  },
  webgpu: ({ into, part }, attributes) => [columnsProgram('addColumns', into, part, sizesOf(into, attributes))],
};

export const columnsSpecs = [take, add] as KernelSpec[];

function assertColumns(op: string, { shape }: tf.Tensor, from: number, count: number): void {
  if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0 || count < 0 || from + count > shape[1]!)
    throw new EngineError('bad-argument', `${op}: columns ${from} to ${from + count} do not lie in [${shape}].`);
}

/**
 * scale · x[:, from : from + count]
 * @param x [R, W] float32, borrowed
 * @returns [R, count] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function takeColumns(x: tf.Tensor, from: number, count: number, scale = 1): tf.Tensor {
  assertTensor('takeColumns', 'x', x, [null, null]);
  assertColumns('takeColumns', x, from, count);
  return runKernel(take.name, { x }, { from, count, scale })[0]!;
}

/**
 * into[:, from : from + count] += scale · part; other columns stay as they are.
 * @param into [R, W] float32, rewritten in place
 * @param part [R, count] float32, borrowed
 * @throws EngineError bad-shape, bad-argument
 */
export function addColumns(into: tf.Tensor, from: number, part: tf.Tensor, scale = 1): void {
  assertTensor('addColumns', 'into', into, [null, null]);
  assertTensor('addColumns', 'part', part, [into.shape[0]!, null]);
  const count = part.shape[1]!;
  assertColumns('addColumns', into, from, count);
  assertSoleOwner('addColumns', 'into', into);
  runKernel(add.name, { into, part }, { from, count, scale });
}
