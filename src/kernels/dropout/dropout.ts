/** Dropout (Srivastava et al. 2014) whose mask follows from a seed: the way back, and a second way forth, draw the same one. */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { dropoutForward, type DropoutSettings, dropThreshold, keepScale, mixSeed } from './dropout.cpu.ts';
import { dropoutProgram } from './dropout.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => tf.util.sizeFromShape(shape);
const settingsOf = (attributes: Attributes): DropoutSettings => attributes as unknown as DropoutSettings;

export const dropoutSpec: KernelSpec<'x'> = {
  name: 'SidestepDropout',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x }, attributes, [y]) => dropoutForward(x.f32, y!.f32, settingsOf(attributes)),
  wasm: (simd, { x }, attributes, [y]) => {
    const { p, seed } = settingsOf(attributes);
    simd.run('dropout', simd.parallel(12 * sizeOf(x)), sizeOf(x), mixSeed(seed) | 0, dropThreshold(p), keepScale(p), x.at, y!.at);
  },
  webgpu: ({ x }, attributes, [y]) => [dropoutProgram(x, y!, sizeOf(x), settingsOf(attributes))],
};

/**
 * x · mask / (1 − p), where mask is 0 with probability p and else 1. Linear in x: the same call on the gradient of the result gives the
 * gradient of x.
 * Differs from PyTorch: the mask is a hash of seed and index, the same bits on every backend, not the state of a generator.
 * @param x any shape, float32, borrowed
 * @param settings p in [0, 1); seed of 32 bits, another one for every use that should be independent
 * @returns the same shape, owned by the caller
 * @throws EngineError bad-argument
 */
export function dropout(x: tf.Tensor, { p, seed }: DropoutSettings): tf.Tensor {
  assertTensor('dropout', 'x', x, x.shape);
  if (!(p >= 0 && p < 1)) throw new EngineError('bad-argument', `dropout: p is ${p}; it must be at least 0 and below 1.`);
  return runKernel(dropoutSpec.name, { x }, { p, seed })[0]!;
}
