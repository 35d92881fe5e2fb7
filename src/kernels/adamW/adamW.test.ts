import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { elementwise } from '../../testing/tolerances.ts';
import { adamWUpdate } from './adamW.cpu.ts';
import { adamWStep } from './adamW.ts';

const settings = { learningRate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1 };

describe('adamW (CPU twin)', () => {
  it('moves the first step by the learning rate against the sign of the gradient, after the decay', () => {
    const param = Float64Array.of(1, -2, 3);
    adamWUpdate(param, Float64Array.of(5, -0.1, 0), new Float64Array(3), new Float64Array(3), 1, { ...settings, step: 1 });
    assertAllClose(param, [0.999 - 0.01, -1.998 + 0.01, 2.997], { rtol: 1e-6, atol: 1e-8, reason: 'epsilon in the denominator' });
  });

  it('does nothing but decay without a gradient', () => {
    const param = Float64Array.of(4);
    for (let step = 1; step <= 3; step++) adamWUpdate(param, new Float64Array(1), new Float64Array(1), new Float64Array(1), 1, { ...settings, step });
    expect(param[0]).toBeCloseTo(4 * 0.999 ** 3, 12);
  });
});

describe('adamWStep on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('follows a float64 run over ten steps, in place and without new tensors', async () => {
    const size = 1003;
    const start = randomFloats(size, 1);
    const param = tf.tidy(() => tf.variable(tf.tensor(start)));
    const [m, v] = [tf.zeros([size]), tf.zeros([size])];
    const gradScale = tf.scalar(0.5);
    const expected = [Float64Array.from(start), new Float64Array(size), new Float64Array(size)] as const;
    const before = tf.memory().numTensors;
    for (let step = 1; step <= 10; step++) {
      const values = randomFloats(size, 10 + step);
      tf.tidy(() => adamWStep(param, tf.tensor(values), m, v, { ...settings, step, gradScale }));
      adamWUpdate(expected[0], Float64Array.from(values), expected[1], expected[2], 0.5, { ...settings, step });
    }
    expect(tf.memory().numTensors).toBe(before);
    assertAllClose(await param.data(), expected[0], elementwise, 'param');
    assertAllClose(await m.data(), expected[1], elementwise, 'm');
    assertAllClose(await v.data(), expected[2], elementwise, 'v');
  });

  it('refuses storage that a reshaped view shares, because the view would change too', () => {
    const param = tf.zeros([2]);
    const view = tf.reshape(param, [1, 2]);
    const call = (): void => adamWStep(param, tf.ones([2]), tf.zeros([2]), tf.zeros([2]), { ...settings, step: 1, gradScale: tf.scalar(1) });
    expect(call).toThrow('share its storage');
    view.dispose();
    expect(call).not.toThrow();
  });
});
