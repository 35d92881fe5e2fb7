import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { AdamW } from './adamW.ts';
import { clipGradNorm } from './clipGradNorm.ts';
import { readTensor } from './readTensor.ts';

const { adamW: reference } = loadTrainReference();
let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

const createParams = () =>
  new Map(reference.initial.map(({ shape, data }, i) => [`p${i}`, tf.tidy(() => tf.variable(tf.tensor(data.slice(), shape)))] as const));
const gradientsAt = (step: number) => new Map(reference.gradients[step]!.map(({ shape, data }, i) => [`p${i}`, tf.tensor(data.slice(), shape)] as const));

describe('AdamW with clipping', () => {
  it('takes the ten steps that PyTorch takes, decay on matrices only', async () => {
    const params = createParams();
    const optimizer = new AdamW(params, reference);
    for (let t = 0; t < 10; t++) {
      const gradients = gradientsAt(t);
      const { norm, scale } = clipGradNorm([...gradients.values()], reference.maxGradNorm, 1);
      expect((await readTensor(norm))[0]! / reference.gradNorms[t]!).toBeCloseTo(1, 5);
      optimizer.step(gradients, scale, reference.learningRate, t + 1);
      for (const [i, variable] of [...params.values()].entries())
        (await readTensor(variable)).forEach((v, j) => expect(Math.abs(v - reference.after[t]![i]!.data[j]!)).toBeLessThan(2e-6));
      tf.dispose([...gradients.values(), norm, scale]);
    }
    optimizer.dispose();
    tf.dispose([...params.values()]);
  });

  it('goes on from captured moments as if it had never stopped, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const params = createParams();
    const one = tf.scalar(1);
    const walk = (optimizer: AdamW, from: number, to: number) => {
      for (let t = from; t < to; t++) {
        const gradients = gradientsAt(t);
        optimizer.step(gradients, one, reference.learningRate, t + 1);
        tf.dispose([...gradients.values()]);
      }
    };
    const straight = new AdamW(params, reference);
    walk(straight, 0, 4);
    const moments = await straight.captureMoments();
    const middle = await Promise.all([...params.values()].map(readTensor));
    walk(straight, 4, 8);
    const end = await Promise.all([...params.values()].map(readTensor));
    [...params.values()].forEach((variable, i) => tf.tidy(() => variable.assign(tf.tensor(middle[i]!.slice(), variable.shape))));
    const resumed = new AdamW(params, reference);
    resumed.restoreMoments(moments);
    walk(resumed, 4, 8);
    expect(await Promise.all([...params.values()].map(readTensor))).toEqual(end);
    moments.first.delete('p1');
    expect(() => resumed.restoreMoments(moments)).toThrow(/moments of p1/);
    straight.dispose();
    resumed.dispose();
    tf.dispose([one, ...params.values()]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('averages the gradients of micro-batches before it clips', async () => {
    const gradients = [tf.tensor1d([6, 0]), tf.tensor1d([0, 8])]; // sums over 2 micro-batches; mean norm 5
    const loose = clipGradNorm(gradients, 10, 2);
    expect((await loose.norm.data())[0]).toBeCloseTo(5, 6);
    expect((await loose.scale.data())[0]).toBeCloseTo(0.5, 6);
    const tight = clipGradNorm(gradients, 1, 2);
    expect((await tight.scale.data())[0]).toBeCloseTo(0.1, 6);
    tf.dispose([...gradients, loose.norm, loose.scale, tight.norm, tight.scale]);
  });
});
