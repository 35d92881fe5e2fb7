import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { adamWUpdate } from './adamW.cpu.ts';
import { adamWSlabStep, adamWStep } from './adamW.ts';

describe.each(await testBackends())('adamWStep on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([1, 65, 4097])('follows a float64 run over ten steps of %i values, and downloads are never stale', async (size) => {
    const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 };
    const start = randomFloats(size, 1);
    const param = tf.tidy(() => tf.variable(tf.tensor(start)));
    const [m, v] = [tf.zeros([size]), tf.zeros([size])];
    const gradScale = tf.scalar(0.5);
    const expected = [Float64Array.from(start), new Float64Array(size), new Float64Array(size)] as const;
    let memory = opened.memory();
    for (let step = 1; step <= 10; step++) {
      const values = randomFloats(size, 10 + step);
      tf.tidy(() => adamWStep(param, tf.tensor(values), m, v, { ...settings, step, gradScale }));
      adamWUpdate(expected[0], Float64Array.from(values), expected[1], expected[2], 0.5, { ...settings, step });
      assertAllClose(await param.data(), expected[0], reduction, `param after step ${step}`);
      if (step === 3) memory = opened.memory();
    }
    expect(opened.memory()).toEqual(memory);
    assertAllClose(await m.data(), expected[1], reduction, 'm');
    assertAllClose(await v.data(), expected[2], reduction, 'v');
    tf.dispose([param, m, v, gradScale]);
    await opened.assertHealthy();
  });

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
        adamWSlabStep({ params: params.slices[i]!, grads: grads.slices[i]!, m: m.slices[i]!, v: v.slices[i]! }, { ...settings, weightDecay, step, gradScale });
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
});
