/** One AdamW step in place, on one parameter or on a slab of them: no temporary memory at all. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertOperand, assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type Operand, tensorOf } from '../slice.ts';
import { type AdamWSettings, adamWUpdate, biasCorrection } from './adamW.cpu.ts';
import { adamWProgram, adamWSlabProgram } from './adamW.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => shape.reduce((a, b) => a * b, 1);

const settingsOf = (attributes: Attributes): AdamWSettings => attributes as unknown as AdamWSettings;

/** What the SIMD kernel takes: keep, β1, β2, 1 − β1, 1 − β2, step size, root factor, ε. Made in float64, rounded once. */
function simdNumbers({ learningRate, beta1, beta2, epsilon, weightDecay, step }: AdamWSettings): number[] {
  return [1 - learningRate * weightDecay, beta1, beta2, 1 - beta1, 1 - beta2, learningRate / biasCorrection(beta1, step), 1 / Math.sqrt(biasCorrection(beta2, step)), epsilon];
}

const update: KernelSpec<'param' | 'grad' | 'm' | 'v' | 'gradScale'> = {
  name: 'SidestepAdamW',
  inPlace: ['param', 'm', 'v'],
  outputs: () => [],
  host: ({ param, grad, m, v, gradScale }, attributes) => adamWUpdate(param.f32, grad.f32, m.f32, v.f32, gradScale.f32[0]!, settingsOf(attributes)),
  wasm: (simd, { param, grad, m, v, gradScale }, attributes) => {
    const n = sizeOf(param);
    simd.run('adamW', simd.parallel(15 * n), n, param.at, grad.at, m.at, v.at, simd.f32(gradScale)[0]!, ...simdNumbers(settingsOf(attributes)));
  },
  webgpu: ({ param, grad, m, v, gradScale }, attributes) => [
    adamWProgram({ param, grad, m, v, gradScale }, sizeOf(param), settingsOf(attributes)),
  ],
};

const slabUpdate: KernelSpec<'params' | 'grads' | 'm' | 'v' | 'gradScale'> = {
  name: 'SidestepAdamWSlab',
  inPlace: ['params', 'grads', 'm', 'v'],
  outputs: () => [],
  host: ({ params, grads, m, v, gradScale }, attributes) => {
    adamWUpdate(params.f32, grads.f32, m.f32, v.f32, gradScale.f32[1]!, settingsOf(attributes));
    grads.f32.fill(0);
  },
  wasm: (simd, { params, grads, m, v, gradScale }, attributes) => {
    const n = sizeOf(params);
    simd.run('adamWSlab', simd.parallel(20 * n), n, params.at, grads.at, m.at, v.at, simd.f32(gradScale)[1]!, ...simdNumbers(settingsOf(attributes)));
  },
  webgpu: (tensors, attributes) => [adamWSlabProgram(tensors, sizeOf(tensors.params), settingsOf(attributes))],
};

export const adamWSpecs = [update, slabUpdate] as KernelSpec[];

/**
 * g = grad · gradScale; m = β1·m + (1−β1)·g; v = β2·v + (1−β2)·g²;
 * param = param·(1 − lr·weightDecay) − lr · m̂ / (√v̂ + ε) with m̂ = m/(1−β1^step), v̂ = v/(1−β2^step). All in place.
 * @param param     any shape, float32, owned by the caller alone; rewritten
 * @param grad      the same shape, borrowed
 * @param m         first moment, the same shape, owned by the caller alone; rewritten
 * @param v         second moment, likewise
 * @param settings  step counts from 1; gradScale is a scalar tensor (gradient clipping), borrowed
 * @throws EngineError bad-shape, bad-argument if storage is shared with another tensor or the step is not positive
 * @see Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"; same arithmetic as torch.optim.AdamW
 */
export function adamWStep(param: tf.Tensor, grad: tf.Tensor, m: tf.Tensor, v: tf.Tensor, settings: AdamWSettings & { gradScale: tf.Tensor }): void {
  const { gradScale, learningRate, beta1, beta2, epsilon, weightDecay, step } = settings;
  if (!Number.isInteger(step) || step < 1) throw new EngineError('bad-argument', `adamWStep: step ${step} must be a whole number from 1.`);
  assertTensor('adamWStep', 'grad', grad, param.shape);
  assertTensor('adamWStep', 'm', m, param.shape);
  assertTensor('adamWStep', 'v', v, param.shape);
  assertTensor('adamWStep', 'gradScale', gradScale, []);
  assertSoleOwner('adamWStep', 'param', param);
  assertSoleOwner('adamWStep', 'm', m);
  assertSoleOwner('adamWStep', 'v', v);
  runKernel(update.name, { param, grad, m, v, gradScale }, { learningRate, beta1, beta2, epsilon, weightDecay, step });
}

/** Four operands of one shape: whole slabs, or the same part of each. All float32, each slab owned by the caller alone. */
export interface AdamWSlabs {
  params: Operand;
  grads: Operand;
  /** First and second moment. */
  m: Operand;
  v: Operand;
}

/**
 * The step of adamWStep on all parameters of a slab at once; sets the gradients to 0 in the same pass, ready to be added to.
 * @param slabs    all rewritten
 * @param settings step counts from 1; gradScale [2] is what clipScale returns: its second value multiplies every gradient; borrowed
 * @throws EngineError bad-shape, bad-argument if storage is shared with another tensor or the step is not positive
 * @see Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"; same arithmetic as torch.optim.AdamW
 */
export function adamWSlabStep({ params, grads, m, v }: AdamWSlabs, settings: AdamWSettings & { gradScale: tf.Tensor }): void {
  const { gradScale, learningRate, beta1, beta2, epsilon, weightDecay, step } = settings;
  if (!Number.isInteger(step) || step < 1) throw new EngineError('bad-argument', `adamWSlabStep: step ${step} must be a whole number from 1.`);
  for (const [name, operand] of Object.entries({ params, grads, m, v })) {
    assertOperand('adamWSlabStep', name, operand, params.shape);
    assertSoleOwner('adamWSlabStep', name, tensorOf(operand));
  }
  assertTensor('adamWSlabStep', 'gradScale', gradScale, [2]);
  runKernel(slabUpdate.name, { params, grads, m, v, gradScale }, { learningRate, beta1, beta2, epsilon, weightDecay, step });
}
