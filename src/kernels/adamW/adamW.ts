/** One AdamW step on one parameter, in place: no temporary memory at all. */
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { assertTensor } from '../assertShape.ts';
import { type Attributes, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { type AdamWSettings, adamWUpdate, biasCorrection } from './adamW.cpu.ts';
import { adamWProgram } from './adamW.webgpu.ts';

const sizeOf = ({ shape }: { shape: number[] }): number => shape.reduce((a, b) => a * b, 1);

const settingsOf = (attributes: Attributes): AdamWSettings => attributes as unknown as AdamWSettings;

const update: KernelSpec<'param' | 'grad' | 'm' | 'v' | 'gradScale'> = {
  name: 'SidestepAdamW',
  inPlace: ['param', 'm', 'v'],
  outputs: () => [],
  host: ({ param, grad, m, v, gradScale }, attributes) => adamWUpdate(param.f32, grad.f32, m.f32, v.f32, gradScale.f32[0]!, settingsOf(attributes)),
  wasm: (simd, { param, grad, m, v, gradScale }, attributes) => {
    const { learningRate, beta1, beta2, epsilon, weightDecay, step } = settingsOf(attributes);
    const numbers = [1 - learningRate * weightDecay, beta1, beta2, 1 - beta1, 1 - beta2, learningRate / biasCorrection(beta1, step), 1 / Math.sqrt(biasCorrection(beta2, step)), epsilon] as const;
    const n = sizeOf(param);
    simd.run('adamW', simd.parallel(15 * n), n, param.at, grad.at, m.at, v.at, simd.f32(gradScale)[0]!, ...numbers);
  },
  webgpu: ({ param, grad, m, v, gradScale }, attributes) => [
    adamWProgram({ param, grad, m, v, gradScale }, sizeOf(param), settingsOf(attributes)),
  ],
};

export const adamWSpecs = [update];

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
