/** CPU twin of adamW: rewrites parameters, gradients and moments in flat arrays. */
import type { Floats } from '../floats.ts';

/** The numbers of one AdamW step; `step` counts from 1. */
export interface AdamWSettings {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  step: number;
}

/** 1 − beta^step, in float64 before it is rounded to the kernel's precision. */
export function biasCorrection(beta: number, step: number): number {
  return 1 - beta ** step;
}

/** One AdamW step with decoupled weight decay (Loshchilov & Hutter 2019), gradients multiplied by gradScale first and then set to 0; gradScale NaN changes nothing else. All are rewritten. */
export function adamWUpdate(param: Floats, grad: Floats, m: Floats, v: Floats, gradScale: number, settings: AdamWSettings): void {
  const { learningRate, beta1, beta2, epsilon, weightDecay, step } = settings;
  if (Number.isNaN(gradScale)) {
    grad.fill(0);
    return;
  }
  const keep = 1 - learningRate * weightDecay;
  const stepSize = learningRate / biasCorrection(beta1, step);
  const rootCorrection = Math.sqrt(biasCorrection(beta2, step));
  const rest1 = 1 - beta1;
  const rest2 = 1 - beta2;
  for (let i = 0; i < param.length; i++) {
    const g = grad[i]! * gradScale;
    const mi = beta1 * m[i]! + rest1 * g;
    const vi = beta2 * v[i]! + rest2 * g * g;
    m[i] = mi;
    v[i] = vi;
    param[i] = param[i]! * keep - (stepSize * mi) / (Math.sqrt(vi) / rootCorrection + epsilon);
  }
  grad.fill(0);
}
