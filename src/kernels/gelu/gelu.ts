/** Gaussian error linear unit (Hendrycks & Gimpel 2016), exact and in the tanh form of GPT-2. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { geluBackward, geluForward, type GeluApproximation } from './gelu.cpu.ts';
import { geluGradProgram, geluProgram } from './gelu.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => tf.util.sizeFromShape(shape);

const forward: KernelSpec<'x'> = {
  name: 'SidestepGelu',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x }, { approximate }, [y]) => geluForward(x.f32, y!.f32, approximate as GeluApproximation),
  wasm: (simd, { x }, { approximate }, [y]) => simd.run('gelu', simd.parallel(25 * sizeOf(x)), sizeOf(x), Number(approximate === 'none'), x.at, y!.at),
  webgpu: ({ x }, { approximate }, [y]) => [geluProgram(x, y!, sizeOf(x), approximate as GeluApproximation)],
};

const backward: KernelSpec<'x' | 'gradY'> = {
  name: 'SidestepGeluGrad',
  outputs: ({ x }) => [{ shape: x.shape, dtype: 'float32' }],
  host: ({ x, gradY }, { approximate }, [gradX]) => geluBackward(x.f32, gradY.f32, gradX!.f32, approximate as GeluApproximation),
  wasm: (simd, { x, gradY }, { approximate }, [gradX]) =>
    simd.run('geluGrad', simd.parallel(30 * sizeOf(x)), sizeOf(x), Number(approximate === 'none'), x.at, gradY.at, gradX!.at),
  webgpu: ({ x, gradY }, { approximate }, [gradX]) => [geluGradProgram(x, gradY, gradX!, sizeOf(x), approximate as GeluApproximation)],
};

export const geluSpecs = [forward, backward] as KernelSpec[];

/**
 * gelu(x) = x · Φ(x), or with approximate 'tanh' x · (1 + tanh(√(2/π)·(x + 0.044715x³))) / 2
 * @param x any shape, float32, borrowed
 * @returns the same shape, float32, owned by the caller
 * @throws EngineError bad-argument if x is not float32
 * @see Hendrycks & Gimpel 2016; same values as torch.nn.functional.gelu to 3e-7 of |x|
 */
export function gelu(x: tf.Tensor, approximate: GeluApproximation): tf.Tensor {
  assertTensor('gelu', 'x', x, x.shape);
  return runKernel(forward.name, { x }, { approximate })[0]!;
}

/**
 * The gradient of gelu: gradY · gelu'(x)
 * @param x     the argument of gelu, borrowed
 * @param gradY the same shape, borrowed
 * @returns     the same shape, float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function geluGrad(x: tf.Tensor, gradY: tf.Tensor, approximate: GeluApproximation): tf.Tensor {
  assertTensor('geluGrad', 'x', x, x.shape);
  assertTensor('geluGrad', 'gradY', gradY, x.shape);
  return runKernel(backward.name, { x, gradY }, { approximate })[0]!;
}
