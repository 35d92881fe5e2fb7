import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { reduction } from '../../testing/tolerances.ts';
import { rmsNormBackward, rmsNormForward } from './rmsNorm.cpu.ts';
import { rmsNorm } from './rmsNorm.ts';

describe.each(await testBackends())('rmsNorm on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 64], [65, 63], [257, 128], [4097, 3]])('equals the twin: %i rows of %i', async (N, C) => {
    const x = randomFloats(N * C, 1, 3);
    const weight = randomFloats(C, 2);
    const weights = randomFloats(N * C, 3);
    const forward = tf.tidy(() => rmsNorm(tf.tensor2d(x, [N, C]), tf.tensor1d(weight), 1e-5));
    const grads = tf.grads((a, w) => tf.sum(tf.mul(rmsNorm(a!, w!, 1e-5), tf.tensor2d(weights, [N, C]))))([tf.tensor2d(x, [N, C]), tf.tensor1d(weight)]);
    const [y, gradX, gradWeight] = await download(opened, [forward, ...grads]);
    const [x64, weight64] = [Float64Array.from(x), Float64Array.from(weight)];
    const expected = [new Float64Array(N * C), new Float64Array(N * C), new Float64Array(C)] as const;
    rmsNormForward(x64, weight64, expected[0], C, 1e-5);
    rmsNormBackward(x64, weight64, Float64Array.from(weights), expected[1], expected[2], C, 1e-5);
    assertAllClose(y!, expected[0], reduction, 'y');
    assertAllClose(gradX!, expected[1], { ...reduction, atol: 1e-4 }, 'gradient of x');
    assertAllClose(gradWeight!, expected[2], { ...reduction, atol: 1e-4 }, 'gradient of weight');
  });
});
