/**
 * AdamW over named parameters, in place on the device (Loshchilov & Hutter 2019; PyTorch's semantics).
 * Weight decay acts on matrices only, as is usual: not on norm gains and other vectors.
 * Differs from tf.train.adam: decoupled decay, no copies of parameters or moments.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import { adamWStep } from '../kernels/adamW/adamW.ts';
import { readTensor } from './readTensor.ts';

export type AdamWSettings = Pick<TrainConfig, 'weightDecay' | 'adamBeta1' | 'adamBeta2' | 'adamEpsilon'>;

/** Both moments of every parameter, on the host. */
export interface Moments {
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
}

/** The optimizer of one run. */
export class AdamW {
  private readonly slots: { name: string; param: tf.Variable; first: tf.Variable; second: tf.Variable }[];

  /** @param params rewritten by every step, otherwise borrowed. The moments belong to this object. */
  constructor(
    params: ReadonlyMap<string, tf.Variable>,
    private readonly settings: AdamWSettings,
  ) {
    const zeros = (param: tf.Variable) => tf.tidy(() => tf.variable(tf.zeros(param.shape), false));
    this.slots = [...params].map(([name, param]) => ({ name, param, first: zeros(param), second: zeros(param) }));
  }

  /**
   * One step on all parameters.
   * @param gradients by parameter name, borrowed
   * @param gradScale scalar that multiplies every gradient first (averaging, clipping), borrowed
   * @param step      1-based, for the bias correction
   * @throws EngineError internal if a parameter has no gradient
   */
  step(gradients: ReadonlyMap<string, tf.Tensor>, gradScale: tf.Scalar, learningRate: number, step: number): void {
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon, weightDecay } = this.settings;
    for (const { name, param, first, second } of this.slots) {
      const gradient = gradients.get(name);
      if (!gradient) throw new EngineError('internal', `AdamW: parameter ${name} has no gradient.`);
      adamWStep(param, gradient, first, second, { learningRate, beta1, beta2, epsilon, weightDecay: param.rank >= 2 ? weightDecay : 0, step, gradScale });
    }
  }

  /** Copies both moments to the host, for a checkpoint. */
  async captureMoments(): Promise<Moments> {
    const moments: Moments = { first: new Map(), second: new Map() };
    for (const { name, first, second } of this.slots) {
      moments.first.set(name, await readTensor(first));
      moments.second.set(name, await readTensor(second));
    }
    return moments;
  }

  /** Sets both moments. @throws EngineError bad-file if they do not fit the parameters */
  restoreMoments(moments: Moments): void {
    for (const { name, param, first, second } of this.slots)
      for (const [variable, values] of [[first, moments.first.get(name)], [second, moments.second.get(name)]] as const) {
        if (values?.length !== param.size) throw new EngineError('bad-file', `Training state: moments of ${name} are missing or have the wrong size.`);
        tf.tidy(() => variable.assign(tf.tensor(values.slice(), param.shape)));
      }
  }

  /** Frees the moments. */
  dispose(): void {
    for (const { first, second } of this.slots) tf.dispose([first, second]);
  }
}
