import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { gatedActivation } from '../gatedActivation/gatedActivation.ts';

describe('exp in SIMD, seen through sigmoid', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('is right to a few units in the last place over the whole range', async () => {
    const xs = Float32Array.from({ length: 40001 }, (_, i) => (i - 20000) / 232);
    const up = Float32Array.from(xs, (x) => (x === 0 ? 1 : 1 / x));
    const out = await tf.tidy(() => gatedActivation(tf.concat([tf.tensor2d(xs, [1, xs.length]), tf.tensor2d(up, [1, xs.length])], 1), 'silu')).data();
    let worst = 0;
    xs.forEach((x, i) => {
      const expected = (x / (1 + Math.exp(-x))) * up[i]!;
      if (x !== 0) worst = Math.max(worst, Math.abs(out[i]! - expected) / expected);
    });
    expect(worst).toBeLessThan(6e-7);
  });
});
