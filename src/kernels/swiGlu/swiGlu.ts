/** The gated activation of llama's MLP (Shazeer 2020). */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../assertShape.ts';
import { firstGradient, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { swiGluBackward, swiGluForward } from './swiGlu.cpu.ts';
import { swiGluGradProgram, swiGluProgram } from './swiGlu.webgpu.ts';

const forward: KernelSpec<'gate' | 'up'> = {
  name: 'SidestepSwiGlu',
  outputs: ({ gate }) => [{ shape: gate.shape, dtype: 'float32' }],
  host: ({ gate, up }, _attributes, [out]) => swiGluForward(gate.f32, up.f32, out!.f32),
  wasm: (simd, { gate, up }, _attributes, [out]) => {
    const n = tf.util.sizeFromShape(gate.shape);
    simd.run('swiGlu', simd.parallel(20 * n), n, gate.at, up.at, out!.at);
  },
  webgpu: ({ gate, up }, _attributes, [out]) => [swiGluProgram(gate, up, out!, tf.util.sizeFromShape(gate.shape))],
};

const backward: KernelSpec<'gate' | 'up' | 'gradOut'> = {
  name: 'SidestepSwiGluGrad',
  outputs: ({ gate }) => [
    { shape: gate.shape, dtype: 'float32' },
    { shape: gate.shape, dtype: 'float32' },
  ],
  host: ({ gate, up, gradOut }, _attributes, [gradGate, gradUp]) => swiGluBackward(gate.f32, up.f32, gradOut.f32, gradGate!.f32, gradUp!.f32),
  wasm: (simd, { gate, up, gradOut }, _attributes, [gradGate, gradUp]) => {
    const n = tf.util.sizeFromShape(gate.shape);
    simd.run('swiGluGrad', simd.parallel(30 * n), n, gate.at, up.at, gradOut.at, gradGate!.at, gradUp!.at);
  },
  webgpu: ({ gate, up, gradOut }, _attributes, [gradGate, gradUp]) => [
    swiGluGradProgram({ gate, up, gradOut, gradGate: gradGate!, gradUp: gradUp! }, tf.util.sizeFromShape(gate.shape)),
  ],
};

export const swiGluSpecs = [forward, backward];

export const swiGluGradient: tf.GradConfig = {
  kernelName: forward.name,
  inputsToSave: ['gate', 'up'],
  gradFunc: (gradOut, saved) => {
    const [gate, up] = saved as [tf.Tensor, tf.Tensor];
    const [gradGate, gradUp] = runKernel(backward.name, { gate, up, gradOut: firstGradient(gradOut) });
    return { gate: () => gradGate!, up: () => gradUp! };
  },
};

/**
 * out = silu(gate) · up, silu(x) = x · sigmoid(x)
 * @param gate any shape, float32, borrowed
 * @param up   the same shape, float32, borrowed
 * @returns    the same shape, float32, owned by the caller
 * @throws EngineError bad-shape if the shapes differ
 */
export function swiGlu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  assertTensor('swiGlu', 'gate', gate, gate.shape);
  assertTensor('swiGlu', 'up', up, gate.shape);
  return runKernel(forward.name, { gate, up })[0]!;
}
