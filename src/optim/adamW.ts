/**
 * AdamW over the slab of an LM, in place on the device (Loshchilov & Hutter 2019; PyTorch's semantics).
 * Weight decay acts on matrices only, as is usual: not on norm gains and other vectors.
 * Differs from tf.train.adam: decoupled decay, no copies of parameters or moments, one program for all of them (two with decay).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import { adamWStep } from '../kernels/adamW/adamW.ts';
import { type NamedValues, packSlab, type SlabLayout, unpackSlab } from '../kernels/slabLayout.ts';
import type { Slice } from '../kernels/slice.ts';
import { readTensor } from './readTensor.ts';

export type AdamWSettings = Pick<TrainConfig, 'weightDecay' | 'adamBeta1' | 'adamBeta2' | 'adamEpsilon'>;

/** Both moments of every parameter, on the host. */
export interface Moments {
  first: Map<string, Float32Array>;
  second: Map<string, Float32Array>;
}

/** What of an LM the optimizer sees. */
interface Parameters {
  slab: tf.Variable;
  layout: SlabLayout;
}

const valuesOf = (params: Map<string, NamedValues>): Map<string, Float32Array> => new Map([...params].map(([name, { data }]) => [name, data]));

/** The optimizer of one run. */
export class AdamW {
  private readonly first: tf.Variable;
  private readonly second: tf.Variable;

  /** @param params rewritten by every step, otherwise borrowed. The moments belong to this object. */
  constructor(
    private readonly params: Parameters,
    private readonly settings: AdamWSettings,
  ) {
    const zeros = () => tf.tidy(() => tf.variable(tf.zeros([params.layout.size]), false));
    this.first = zeros();
    this.second = zeros();
  }

  /**
   * One step on all parameters.
   * @param gradients slab laid out as the parameters; set to 0 for the next step
   * @param clip      [2] of clipScale: its second value multiplies the gradients first (averaging, clipping), borrowed
   * @param step      1-based, for the bias correction
   */
  step(gradients: tf.Tensor, clip: tf.Tensor, learningRate: number, step: number): void {
    const { adamBeta1: beta1, adamBeta2: beta2, adamEpsilon: epsilon, weightDecay } = this.settings;
    const { size, matrixSize } = this.params.layout;
    const ranges = weightDecay === 0 ? [{ from: 0, to: size, decay: 0 }] : [{ from: 0, to: matrixSize, decay: weightDecay }, { from: matrixSize, to: size, decay: 0 }];
    for (const { from, to, decay } of ranges) {
      if (from === to) continue;
      const part = (slab: tf.Tensor): Slice => ({ slab, offset: from, shape: [to - from] });
      adamWStep(
        { params: part(this.params.slab), grads: part(gradients), m: part(this.first), v: part(this.second) },
        { learningRate, beta1, beta2, epsilon, weightDecay: decay, step, gradScale: clip },
      );
    }
  }

  /** Copies both moments to the host, for a checkpoint. */
  async captureMoments(): Promise<Moments> {
    const { layout } = this.params;
    return { first: valuesOf(unpackSlab(layout, await readTensor(this.first))), second: valuesOf(unpackSlab(layout, await readTensor(this.second))) };
  }

  /** Sets both moments. @throws EngineError bad-file if they do not fit the parameters */
  restoreMoments(moments: Moments): void {
    const { layout } = this.params;
    const pack = (values: Map<string, Float32Array>): Float32Array => {
      for (const [name, { shape }] of layout.places)
        if (values.get(name)?.length !== tf.util.sizeFromShape(shape)) throw new EngineError('bad-file', `Training state: moments of ${name} are missing or have the wrong size.`);
      return packSlab(layout, new Map([...layout.places].map(([name, { shape }]) => [name, { shape, data: values.get(name)! }])));
    };
    for (const [variable, values] of [[this.first, pack(moments.first)], [this.second, pack(moments.second)]] as const) tf.tidy(() => variable.assign(tf.tensor1d(values)));
  }

  /** Frees the moments. */
  dispose(): void {
    tf.dispose([this.first, this.second]);
  }
}
