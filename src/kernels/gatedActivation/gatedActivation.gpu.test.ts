import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { gatedActivationBackward, gatedActivationForward } from './gatedActivation.cpu.ts';
import { type GatedActivation, gatedActivation, gatedActivationGrad } from './gatedActivation.ts';

const activations: GatedActivation[] = ['silu', 'gelu_new', 'gelu'];

describe.each(await testBackends())('gatedActivation on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  describe.each(activations)('%s', (activation) => {
    it('stays finite for gates of any size', async () => {
      const gateUp = (): tf.Tensor => tf.tensor2d([[-1e4, 1e4, -100, 1, 1, 1]]);
      const [out, gradient] = await download(opened, tf.tidy(() => [gatedActivation(gateUp(), activation), gatedActivationGrad(gateUp(), tf.ones([1, 3]), activation)]));
      expect(out![1]).toBe(1e4);
      expect(Math.abs(out![0]!) + Math.abs(out![2]!)).toBeLessThan(1e-20);
      expect(gradient![1]).toBe(1);
      expect(gradient!.every(Number.isFinite)).toBe(true);
    });

    it.each([[1, 1], [5, 3], [3, 64], [63, 257], [65, 68]])('equals the twin: %i rows of %i', async (R, F) => {
      const [gateUp, gradOut] = [randomFloats(2 * R * F, 1, 4), randomFloats(R * F, 2)];
      const [out, gradGateUp] = await download(opened, tf.tidy(() => {
        const t = tf.tensor2d(gateUp, [R, 2 * F]);
        return [gatedActivation(t, activation), gatedActivationGrad(t, tf.tensor2d(gradOut, [R, F]), activation)];
      }));
      const expected = [new Float64Array(R * F), new Float64Array(2 * R * F)] as const;
      gatedActivationForward(Float64Array.from(gateUp), expected[0], F, activation);
      gatedActivationBackward(Float64Array.from(gateUp), Float64Array.from(gradOut), expected[1], F, activation);
      assertAllClose(out!, expected[0], transcendental, 'out');
      assertAllClose(gradGateUp!, expected[1], transcendental, 'gradient');
    });
  });
});
