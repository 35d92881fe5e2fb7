/** One AdamW step in place on a slab of parameters, or a part of it: no temporary memory at all. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type Operand, tensorOf } from '../slice.ts';
import { type AdamWSettings, adamWUpdate, biasCorrection } from './adamW.cpu.ts';
import { adamWProgram } from './adamW.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => shape.reduce((a, b) => a * b, 1);

const settingsOf = (attributes: Attributes): AdamWSettings => attributes as unknown as AdamWSettings;

/** What the SIMD kernel takes: keep, β1, β2, 1 − β1, 1 − β2, step size, root factor, ε. Made in float64, rounded once. */
function simdNumbers({ learningRate, beta1, beta2, epsilon, weightDecay, step }: AdamWSettings): number[] {
  return [1 - learningRate * weightDecay, beta1, beta2, 1 - beta1, 1 - beta2, learningRate / biasCorrection(beta1, step), 1 / Math.sqrt(biasCorrection(beta2, step)), epsilon];
}

const update: KernelSpec<'params' | 'grads' | 'm' | 'v' | 'gradScale'> = {
  name: 'SidestepAdamW',
  inPlace: ['params', 'grads', 'm', 'v'],
  outputs: () => [],
  host: ({ params, grads, m, v, gradScale }, attributes) => adamWUpdate(params.f32, grads.f32, m.f32, v.f32, gradScale.f32[1]!, settingsOf(attributes)),
  wasm: (simd, { params, grads, m, v, gradScale }, attributes) => {
    const n = sizeOf(params);
    const scale = simd.f32(gradScale)[1]!;
    if (Number.isNaN(scale)) simd.f32(grads).fill(0);
    else simd.run('adamW', simd.parallel(20 * n), n, params.at, grads.at, m.at, v.at, scale, ...simdNumbers(settingsOf(attributes)));
  },
  webgpu: (tensors, attributes) => [adamWProgram(tensors, sizeOf(tensors.params), settingsOf(attributes))],
};

export const adamWSpecs = [update] as KernelSpec[];

/** Four operands of one shape: whole slabs, or the same part of each. All float32, each slab owned by the caller alone. */
export interface AdamWSlabs {
  params: Operand;
  grads: Operand;
  /** First and second moment. */
  m: Operand;
  v: Operand;
}

/**
 * g = grad · gradScale; m = β1·m + (1−β1)·g; v = β2·v + (1−β2)·g²;
 * param = param·(1 − lr·weightDecay) − lr · m̂ / (√v̂ + ε) with m̂ = m/(1−β1^step), v̂ = v/(1−β2^step). All in place; the gradients are set to
 * 0 in the same pass, ready to be added to.
 * @param slabs    all rewritten
 * @param settings step counts from 1; gradScale [2] is what clipScale returns: its second value multiplies every gradient, and NaN there holds
 *                 the step back: nothing but the gradients changes; borrowed
 * @throws EngineError bad-shape, bad-argument if storage is shared with another tensor or the step is not positive
 * @see Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"; same arithmetic as torch.optim.AdamW
 */
export function adamWStep({ params, grads, m, v }: AdamWSlabs, settings: AdamWSettings & { gradScale: tf.Tensor }): void {
  const { gradScale, learningRate, beta1, beta2, epsilon, weightDecay, step } = settings;
  if (!Number.isInteger(step) || step < 1) throw new EngineError('bad-argument', `adamWStep: step ${step} must be a whole number from 1.`);
  for (const [name, operand] of Object.entries({ params, grads, m, v })) {
    assertOperand('adamWStep', name, operand, params.shape);
    assertSoleOwner('adamWStep', name, tensorOf(operand));
  }
  assertTensor('adamWStep', 'gradScale', gradScale, [2]);
  runKernel(update.name, { params, grads, m, v, gradScale }, { learningRate, beta1, beta2, epsilon, weightDecay, step });
}
