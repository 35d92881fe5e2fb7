import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { geluBackward, geluForward } from './gelu.cpu.ts';
import { gelu, geluGrad } from './gelu.ts';

const tolerance = { rtol: 1e-6, atol: 4e-7, reason: 'the approximations of erf and exp, both below 2e-7' };

describe.each(await testBackends())('gelu on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  describe.each(['none', 'tanh'] as const)('%s', (approximate) => {
    it.each([1, 3, 64, 257, 4097])('equals the twin: %i values', async (n) => {
      const [x, gradY] = [randomFloats(n, 1, 2), randomFloats(n, 2)];
      const [y, gradX] = await download(opened, tf.tidy(() => [gelu(tf.tensor1d(x), approximate), geluGrad(tf.tensor1d(x), tf.tensor1d(gradY), approximate)]));
      const expected = new Float64Array(n);
      geluForward(Float64Array.from(x), expected, approximate);
      assertAllClose(y!, expected, { ...tolerance, atol: 1e-6 }, 'y');
      geluBackward(Float64Array.from(x), Float64Array.from(gradY), expected, approximate);
      assertAllClose(gradX!, expected, { ...tolerance, rtol: 2e-6, atol: 2e-6 }, 'gradient');
    });

    it('keeps its error over the whole range, and stays finite outside it', async () => {
      const x = Float32Array.from({ length: 8001 }, (_, i) => (i - 4000) / 400);
      const [y] = await download(opened, tf.tidy(() => gelu(tf.tensor1d(x), approximate)));
      const expected = new Float64Array(x.length);
      geluForward(Float64Array.from(x), expected, approximate);
      assertAllClose(y!, expected, { ...tolerance, atol: 8e-7 }, 'y');
      const [far, slope] = await download(opened, tf.tidy(() => [gelu(tf.tensor1d([-1e4, 1e4, -100]), approximate), geluGrad(tf.tensor1d([-1e4, 1e4, -100]), tf.ones([3]), approximate)]));
      for (const [values, top] of [[far!, 1e4], [slope!, 1]] as const) {
        expect(values[1]).toBe(top);
        expect(Math.abs(values[0]!) + Math.abs(values[2]!)).toBeLessThan(1e-20);
      }
    });
  });
});
