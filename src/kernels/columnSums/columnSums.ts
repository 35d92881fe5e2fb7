/** Sums over rows, added in place: the gradient of a bias. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type Operand, tensorOf } from '../slice.ts';
import { columnSums } from './columnSums.cpu.ts';
import { columnSumsProgram } from './columnSums.webgpu.ts';

export const columnSumsSpec: KernelSpec<'x' | 'into'> = {
  name: 'SidestepAddColumnSums',
  inPlace: ['into'],
  outputs: () => [],
  host: ({ x, into }) => columnSums(x.f32, into.f32, x.shape[0]!, x.shape[1]!),
  wasm: (simd, { x, into }) => {
    const [R, N] = x.shape as [number, number];
    simd.run('addColumnSums', simd.parallel(2 * R * N), R, N, x.at, into.at);
  },
  webgpu: ({ x, into }) => [columnSumsProgram(x, into, x.shape[0]!, x.shape[1]!)],
};

/**
 * into += sums over the rows of gradY
 * @param gradY [R, N] float32, borrowed
 * @param into  [N] float32, rewritten in place
 * @throws EngineError bad-shape
 */
export function addColumnSums(gradY: tf.Tensor, into: Operand): void {
  assertTensor('addColumnSums', 'gradY', gradY, [null, null]);
  if (into.shape.length !== 1 || into.shape[0] !== gradY.shape[1])
    throw new EngineError('bad-shape', `addColumnSums: into has shape [${into.shape}], expected [${gradY.shape[1]}].`);
  assertSoleOwner('addColumnSums', 'into', tensorOf(into));
  runKernel(columnSumsSpec.name, { x: gradY, into });
}
