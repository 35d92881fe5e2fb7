/** Root-mean-square normalisation (Zhang & Sennrich 2019). */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor, lastSize } from '../assertShape.ts';
import { firstGradient, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { rmsNormBackward, rmsNormForward } from './rmsNorm.cpu.ts';
import { rmsNormGradPrograms, rmsNormProgram, rowsPerChunk } from './rmsNorm.webgpu.ts';

const rows = (x: { shape: number[] }): number => tf.util.sizeFromShape(x.shape.slice(0, -1));

const forward: KernelSpec<'x' | 'weight'> = {
  name: 'SidestepRmsNorm',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x, weight }, { eps }, [y]) => rmsNormForward(x.f32, weight.f32, y!.f32, weight.shape[0]!, eps as number),
  wasm: (simd, { x, weight }, { eps }, [y]) =>
    simd.run('rmsNorm', simd.parallel(5 * tf.util.sizeFromShape(x.shape)), rows(x), weight.shape[0]!, eps as number, x.at, weight.at, y!.at),
  webgpu: ({ x, weight }, { eps }, [y]) => [rmsNormProgram(x, weight, y!, rows(x), weight.shape[0]!, eps as number)],
};

const backward: KernelSpec<'x' | 'weight' | 'gradY'> = {
  name: 'SidestepRmsNormGrad',
  outputs: ({ x, weight }) => [
    { shape: x.shape, dtype: 'float32' },
    { shape: weight.shape, dtype: 'float32' },
    { shape: [rows(x)], dtype: 'float32' },
    { shape: [Math.ceil(rows(x) / rowsPerChunk), weight.shape[0]!], dtype: 'float32' },
  ],
  host: ({ x, weight, gradY }, { eps }, [gradX, gradWeight]) => rmsNormBackward(x.f32, weight.f32, gradY.f32, gradX!.f32, gradWeight!.f32, weight.shape[0]!, eps as number),
  wasm: (simd, { x, weight, gradY }, { eps }, [gradX, gradWeight, scales]) => {
    const [N, C] = [rows(x), weight.shape[0]!];
    const chunks = simd.parallel(10 * N * C);
    simd.run('rmsNormGrad', chunks, N, C, eps as number, x.at, weight.at, gradY.at, gradX!.at, scales!.at);
    simd.run('rmsNormGradWeight', chunks, N, C, x.at, gradY.at, scales!.at, gradWeight!.at);
  },
  webgpu: ({ x, weight, gradY }, { eps }, [gradX, gradWeight, scales, partials]) =>
    rmsNormGradPrograms({ x, weight, gradY, gradX: gradX!, gradWeight: gradWeight!, scales: scales!, partials: partials! }, rows(x), weight.shape[0]!, eps as number),
};

export const rmsNormSpecs = [forward, backward];

export const rmsNormGradient: tf.GradConfig = {
  kernelName: forward.name,
  inputsToSave: ['x', 'weight'],
  gradFunc: (gradY, saved, attributes) => {
    const [x, weight] = saved as [tf.Tensor, tf.Tensor];
    const [gradX, gradWeight] = runKernel(backward.name, { x, weight, gradY: firstGradient(gradY) }, { eps: attributes.eps as number });
    return { x: () => gradX!, weight: () => gradWeight! };
  },
};

/**
 * Root-mean-square normalisation over the last axis: y = x / sqrt(mean(x²) + eps) · weight
 * @param x      [..., C] float32, borrowed
 * @param weight [C] float32, borrowed
 * @returns      [..., C] float32, owned by the caller
 * @throws EngineError bad-shape if weight is not [C]
 * @see Zhang & Sennrich 2019, "Root Mean Square Layer Normalization"
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, eps: number): tf.Tensor {
  assertTensor('rmsNorm', 'weight', weight, [lastSize('rmsNorm', 'x', x)]);
  assertTensor('rmsNorm', 'x', x, x.shape.map(() => null));
  return runKernel(forward.name, { x, weight }, { eps })[0]!;
}
