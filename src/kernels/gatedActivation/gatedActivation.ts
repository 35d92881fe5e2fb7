/** The gated activation of an MLP (Shazeer 2020): SwiGLU (llama, Qwen) or GeGLU (Gemma). Not for MLPs without a gate (gelu). */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type GatedActivation, gatedActivationBackward, gatedActivationForward } from './gatedActivation.cpu.ts';
import { gatedActivationGradProgram, gatedActivationProgram } from './gatedActivation.webgpu.ts';

export type { GatedActivation };

/** How the SIMD kernels know them. */
const simdKind: Record<GatedActivation, number> = { silu: 0, gelu_new: 1, gelu: 2 };

const forward: KernelSpec<'gateUp'> = {
  name: 'SidestepGatedActivation',
  outputs: ({ gateUp: { shape } }) => [{ shape: [shape[0]!, shape[1]! / 2], dtype: 'float32' }],
  host: ({ gateUp }, { activation }, [out]) => gatedActivationForward(gateUp.f32, out!.f32, out!.shape[1]!, activation as GatedActivation),
  wasm: (simd, { gateUp }, { activation }, [out]) => {
    const [R, F] = out!.shape as [number, number];
    simd.run('gatedActivation', simd.parallel(20 * R * F), R, F, simdKind[activation as GatedActivation], gateUp.at, out!.at);
  },
  webgpu: ({ gateUp }, { activation }, [out]) => [gatedActivationProgram(gateUp, out!, out!.shape[0]!, out!.shape[1]!, activation as GatedActivation)],
};

const backward: KernelSpec<'gateUp' | 'gradOut'> = {
  name: 'SidestepGatedActivationGrad',
  outputs: ({ gateUp }) => [{ shape: gateUp.shape, dtype: 'float32' }],
  host: ({ gateUp, gradOut }, { activation }, [gradGateUp]) => gatedActivationBackward(gateUp.f32, gradOut.f32, gradGateUp!.f32, gradOut.shape[1]!, activation as GatedActivation),
  wasm: (simd, { gateUp, gradOut }, { activation }, [gradGateUp]) => {
    const [R, F] = gradOut.shape as [number, number];
    simd.run('gatedActivationGrad', simd.parallel(25 * R * F), R, F, simdKind[activation as GatedActivation], gateUp.at, gradOut.at, gradGateUp!.at);
  },
  webgpu: ({ gateUp, gradOut }, { activation }, [gradGateUp]) => [
    gatedActivationGradProgram(gateUp, gradOut, gradGateUp!, gradOut.shape[0]!, gradOut.shape[1]!, activation as GatedActivation),
  ],
};

export const gatedActivationSpecs = [forward, backward] as KernelSpec[];

function halfWidth(op: string, gateUp: tf.Tensor): number {
  assertTensor(op, 'gateUp', gateUp, [null, null]);
  const width = gateUp.shape[1]!;
  if (width % 2 !== 0) throw new EngineError('bad-shape', `${op}: gateUp has ${width} columns, which do not split into gate and up.`);
  return width / 2;
}

/**
 * out = act(gate) · up of gate and up that one projection made side by side; silu(x) = x · sigmoid(x), the GELUs as in gelu.
 * @param gateUp [R, 2F] float32, gate in the first F columns, borrowed
 * @returns      [R, F] float32, owned by the caller
 * @throws EngineError bad-shape if the columns are not even in number
 */
export function gatedActivation(gateUp: tf.Tensor, activation: GatedActivation): tf.Tensor {
  halfWidth('gatedActivation', gateUp);
  return runKernel(forward.name, { gateUp }, { activation })[0]!;
}

/**
 * The gradient of gatedActivation.
 * @param gateUp  [R, 2F], the argument of gatedActivation, borrowed
 * @param gradOut [R, F], borrowed
 * @returns       [R, 2F] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function gatedActivationGrad(gateUp: tf.Tensor, gradOut: tf.Tensor, activation: GatedActivation): tf.Tensor {
  assertTensor('gatedActivationGrad', 'gradOut', gradOut, [gateUp.shape[0]!, halfWidth('gatedActivationGrad', gateUp)]);
  return runKernel(backward.name, { gateUp, gradOut }, { activation })[0]!;
}
