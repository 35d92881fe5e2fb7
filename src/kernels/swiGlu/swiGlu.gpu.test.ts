import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { swiGluFusedBackward, swiGluFusedForward } from './swiGlu.cpu.ts';
import { swiGluFused, swiGluFusedGrad } from './swiGlu.ts';

describe.each(await testBackends())('swiGlu on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it('stays finite for gates of any size', async () => {
    const [out] = await download(opened, tf.tidy(() => swiGluFused(tf.tensor2d([[-1e4, 1e4, -100, 1, 1, 1]]))));
    expect(out![1]).toBe(1e4);
    expect(Math.abs(out![0]!) + Math.abs(out![2]!)).toBeLessThan(1e-25);
  });

  it.each([[1, 1], [5, 3], [3, 64], [63, 257], [65, 68]])('equals the twin: %i rows of %i', async (R, F) => {
    const [gateUp, gradOut] = [randomFloats(2 * R * F, 1, 4), randomFloats(R * F, 2)];
    const [out, gradGateUp] = await download(opened, tf.tidy(() => {
      const t = tf.tensor2d(gateUp, [R, 2 * F]);
      return [swiGluFused(t), swiGluFusedGrad(t, tf.tensor2d(gradOut, [R, F]))];
    }));
    const expected = [new Float64Array(R * F), new Float64Array(2 * R * F)] as const;
    swiGluFusedForward(Float64Array.from(gateUp), expected[0], F);
    swiGluFusedBackward(Float64Array.from(gateUp), Float64Array.from(gradOut), expected[1], F);
    assertAllClose(out!, expected[0], transcendental, 'out');
    assertAllClose(gradGateUp!, expected[1], transcendental, 'gradient');
  });
});
