import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { dropoutForward } from './dropout.cpu.ts';
import { dropout } from './dropout.ts';

describe.each(await testBackends())('dropout on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterEach(() => opened.assertHealthy());
  afterAll(() => opened.close());

  it.each([[1, 0.5, 7], [3, 0.1, 0], [64, 0.9, 1], [1027, 0.05, 0xffffffff], [70001, 0.3, 0x80000001], [130, 0, 5]])('gives the bits of the twin: %i values, p = %f, seed %i', async (n, p, seed) => {
    const x = randomFloats(n, 3);
    const y = tf.tidy(() => dropout(tf.tensor1d(x), { p, seed }));
    const expected = new Float32Array(n);
    dropoutForward(x, expected, { p, seed });
    // −0 of a dropped negative value counts as 0.
    expect(Float32Array.from(await y.data(), (value) => value + 0)).toEqual(Float32Array.from(expected, (value) => value + 0));
    y.dispose();
  });

  it('refuses a share of 1 or more', () => {
    const x = tf.zeros([2]);
    expect(() => dropout(x, { p: 1, seed: 0 })).toThrow(/p is 1/);
    x.dispose();
  });
});
