/** The gated activation of llama's MLP (Shazeer 2020). */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { swiGluFusedBackward, swiGluFusedForward } from './swiGlu.cpu.ts';
import { swiGluFusedGradProgram, swiGluFusedProgram } from './swiGlu.webgpu.ts';

const forward: KernelSpec<'gateUp'> = {
  name: 'SidestepSwiGluFused',
  outputs: ({ gateUp: { shape } }) => [{ shape: [shape[0]!, shape[1]! / 2], dtype: 'float32' }],
  host: ({ gateUp }, _attributes, [out]) => swiGluFusedForward(gateUp.f32, out!.f32, out!.shape[1]!),
  wasm: (simd, { gateUp }, _attributes, [out]) => {
    const [R, F] = out!.shape as [number, number];
    simd.run('swiGluFused', simd.parallel(20 * R * F), R, F, gateUp.at, out!.at);
  },
  webgpu: ({ gateUp }, _attributes, [out]) => [swiGluFusedProgram(gateUp, out!, out!.shape[0]!, out!.shape[1]!)],
};

const backward: KernelSpec<'gateUp' | 'gradOut'> = {
  name: 'SidestepSwiGluFusedGrad',
  outputs: ({ gateUp }) => [{ shape: gateUp.shape, dtype: 'float32' }],
  host: ({ gateUp, gradOut }, _attributes, [gradGateUp]) => swiGluFusedBackward(gateUp.f32, gradOut.f32, gradGateUp!.f32, gradOut.shape[1]!),
  wasm: (simd, { gateUp, gradOut }, _attributes, [gradGateUp]) => {
    const [R, F] = gradOut.shape as [number, number];
    simd.run('swiGluFusedGrad', simd.parallel(25 * R * F), R, F, gateUp.at, gradOut.at, gradGateUp!.at);
  },
  webgpu: ({ gateUp, gradOut }, _attributes, [gradGateUp]) => [swiGluFusedGradProgram(gateUp, gradOut, gradGateUp!, gradOut.shape[0]!, gradOut.shape[1]!)],
};

export const swiGluSpecs = [forward, backward] as KernelSpec[];

function halfWidth(op: string, gateUp: tf.Tensor): number {
  assertTensor(op, 'gateUp', gateUp, [null, null]);
  const width = gateUp.shape[1]!;
  if (width % 2 !== 0) throw new EngineError('bad-shape', `${op}: gateUp has ${width} columns, which do not split into gate and up.`);
  return width / 2;
}

/**
 * out = silu(gate) · up, silu(x) = x · sigmoid(x), of gate and up that one projection made side by side.
 * @param gateUp [R, 2F] float32, gate in the first F columns, borrowed
 * @returns      [R, F] float32, owned by the caller
 * @throws EngineError bad-shape if the columns are not even in number
 */
export function swiGluFused(gateUp: tf.Tensor): tf.Tensor {
  halfWidth('swiGluFused', gateUp);
  return runKernel(forward.name, { gateUp })[0]!;
}

/**
 * The gradient of swiGluFused.
 * @param gateUp  [R, 2F], the argument of swiGluFused, borrowed
 * @param gradOut [R, F], borrowed
 * @returns       [R, 2F] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function swiGluFusedGrad(gateUp: tf.Tensor, gradOut: tf.Tensor): tf.Tensor {
  assertTensor('swiGluFusedGrad', 'gradOut', gradOut, [gateUp.shape[0]!, halfWidth('swiGluFusedGrad', gateUp)]);
  return runKernel(backward.name, { gateUp, gradOut })[0]!;
}
