import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { packSlab, type SlabLayout, unpackSlab } from '../kernels/slabLayout.ts';
import { layOutSlices } from '../kernels/slice.ts';
import { clipScale } from '../kernels/clipScale/clipScale.ts';
import { openTestBackend } from '../testing/backend.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { AdamW } from './adamW.ts';
import { readTensor } from './readTensor.ts';

const { adamW: reference } = loadTrainReference();
let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

const layout: SlabLayout = (() => {
  const matrices = reference.initial.map(({ shape }, i) => ({ name: `p${i}`, shape })).filter(({ shape }) => shape.length > 1);
  const vectors = reference.initial.map(({ shape }, i) => ({ name: `p${i}`, shape })).filter(({ shape }) => shape.length === 1);
  const all = [...matrices, ...vectors];
  const { offsets, size } = layOutSlices(all.map(({ shape }) => shape));
  return { places: new Map(all.map(({ name, shape }, i) => [name, { offset: offsets[i]!, shape }])), size, matrixSize: offsets[matrices.length]! };
})();
type Values = { shape: number[]; data: Float32Array }[];
const slabOf = (values: Values): tf.Tensor1D => tf.tensor1d(packSlab(layout, new Map(values.map((value, i) => [`p${i}`, value]))));
const createParams = () => ({ slab: tf.tidy(() => tf.variable(slabOf(reference.initial))), layout });

describe('AdamW with clipping', () => {
  it('takes the ten steps that PyTorch takes, decay on matrices only', async () => {
    const params = createParams();
    const [losses, held] = [tf.tensor1d([1]), tf.zeros([1])];
    const optimizer = new AdamW(params, reference);
    for (let t = 0; t < 10; t++) {
      const gradients = slabOf(reference.gradients[t]!);
      const clip = clipScale(gradients, losses, held, reference.maxGradNorm, 1);
      expect((await readTensor(clip))[0]! / reference.gradNorms[t]!).toBeCloseTo(1, 5);
      optimizer.step(gradients, clip, reference.learningRate, t + 1);
      const now = unpackSlab(layout, await readTensor(params.slab));
      reference.after[t]!.forEach(({ data }, i) => data.forEach((v, j) => expect(Math.abs(now.get(`p${i}`)!.data[j]! - v)).toBeLessThan(2e-6)));
      expect((await readTensor(gradients)).every((g) => g === 0)).toBe(true); // ready for the next step
      tf.dispose([gradients, clip]);
    }
    optimizer.dispose();
    tf.dispose([params.slab, losses, held]);
  });

  it('goes on from captured moments as if it had never stopped, and leaves no tensors', async () => {
    const before = tf.memory().numTensors;
    const params = createParams();
    const clip = tf.tensor1d([1, 1]);
    const walk = (optimizer: AdamW, from: number, to: number) => {
      for (let t = from; t < to; t++) {
        const gradients = slabOf(reference.gradients[t]!);
        optimizer.step(gradients, clip, reference.learningRate, t + 1);
        gradients.dispose();
      }
    };
    const straight = new AdamW(params, reference);
    walk(straight, 0, 4);
    const moments = await straight.captureMoments();
    const middle = await readTensor(params.slab);
    walk(straight, 4, 8);
    const end = await readTensor(params.slab);
    tf.tidy(() => params.slab.assign(tf.tensor1d(middle)));
    const resumed = new AdamW(params, reference);
    resumed.restoreMoments(moments);
    walk(resumed, 4, 8);
    expect(await readTensor(params.slab)).toEqual(end);
    moments.first.delete('p1');
    expect(() => resumed.restoreMoments(moments)).toThrow(/moments of p1/);
    straight.dispose();
    resumed.dispose();
    tf.dispose([clip, params.slab]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('averages the gradients of micro-batches before it clips', async () => {
    const [losses, held] = [tf.tensor1d([1]), tf.zeros([1])];
    const gradients = tf.tensor1d([6, 8]); // sums over 2 micro-batches; mean norm 5
    const loose = clipScale(gradients, losses, held, 10, 2);
    expect([...(await loose.data())].map((value) => value.toFixed(5))).toEqual(['5.00000', '0.50000']);
    const tight = clipScale(gradients, losses, held, 1, 2);
    expect((await tight.data())[1]).toBeCloseTo(0.1, 6);
    tf.dispose([gradients, loose, tight, losses, held]);
  });
});
