import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { reduction } from '../../testing/tolerances.ts';
import { adamWUpdate } from './adamW.cpu.ts';
import { adamWStep } from './adamW.ts';

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
});
