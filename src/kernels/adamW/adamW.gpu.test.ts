import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { adamWUpdate } from './adamW.cpu.ts';
import { adamWStep } from './adamW.ts';

describe.each(await testBackends())('adamWStep on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([1, 65, 64, 4096, 4097])('steps on slices of slabs, decays one of them only, and zeroes their gradients: %i values', async (size) => {
    const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    const decays = [0.1, 0];
    const starts = [randomFloats(size, 1), randomFloats(30, 2)];
    const slabOf = (arrays: Float32Array[]) => createSlab(arrays.map((data) => ({ shape: [data.length], data })));
    const zeros = (): Float32Array[] => starts.map(({ length }) => new Float32Array(length));
    const [params, m, v] = [slabOf(starts), slabOf(zeros()), slabOf(zeros())];
    const gradScale = tf.tensor1d([99, 0.5]);
    const expected = starts.map((start) => [Float64Array.from(start), new Float64Array(start.length), new Float64Array(start.length)] as const);
    for (let step = 1; step <= 3; step++) {
      const values = starts.map(({ length }, i) => randomFloats(length, 10 * step + i));
      const grads = slabOf(values);
      decays.forEach((weightDecay, i) => {
        adamWStep({ params: params.slices[i]!, grads: grads.slices[i]!, m: m.slices[i]!, v: v.slices[i]! }, { ...settings, weightDecay, step, gradScale });
        adamWUpdate(expected[i]![0], Float64Array.from(values[i]!), expected[i]![1], expected[i]![2], 0.5, { ...settings, weightDecay, step });
      });
      for (const zeroed of readSlices(await grads.slab.data(), grads.slices)) expect(zeroed.every((g) => g === 0)).toBe(true);
      grads.slab.dispose();
    }
    for (const [at, { slab, slices }] of [params, m, v].entries()) {
      readSlices(await slab.data(), slices).forEach((values, i) => assertAllClose(values, expected[i]![at]!, reduction, ['params', 'm', 'v'][at]));
      slab.dispose();
    }
    gradScale.dispose();
    await opened.assertHealthy();
  });

  it('changes nothing but the gradients where the scale is NaN', async () => {
    const slabs = [1, 2, 3, 4].map((seed) => tf.tensor1d(randomFloats(1003, seed).map(Math.abs)));
    const [params, grads, m, v] = slabs as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
    const before = await Promise.all([params, m, v].map(async (slab) => Float32Array.from(await slab.data())));
    const gradScale = tf.tensor1d([Number.NaN, Number.NaN]);
    adamWStep({ params, grads, m, v }, { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, step: 1, gradScale });
    expect(await Promise.all([params, m, v].map(async (slab) => Float32Array.from(await slab.data())))).toEqual(before);
    expect((await grads.data()).every((g) => g === 0)).toBe(true);
    tf.dispose([...slabs, gradScale]);
    await opened.assertHealthy();
  });

  it('refuses storage that a reshaped view shares, because the view would change too', () => {
    const [params, gradScale] = [tf.zeros([2]), tf.tensor1d([1, 1])];
    const view = tf.reshape(params, [1, 2]);
    const call = (): void =>
      tf.tidy(() => adamWStep({ params, grads: tf.ones([2]), m: tf.zeros([2]), v: tf.zeros([2]) }, { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, step: 1, gradScale }));
    expect(call).toThrow('share its storage');
    view.dispose();
    expect(call).not.toThrow();
    tf.dispose([params, gradScale]);
  });
});
