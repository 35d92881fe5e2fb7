import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { sumSquares } from './sumSquares.cpu.ts';
import { globalNorm } from './sumSquares.ts';

describe.each(await testBackends())('globalNorm on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it('equals the twin over tensors of odd sizes', async () => {
    const arrays = [1, 3, 63, 257, 4097].map((size, i) => randomFloats(size, i));
    const [norm] = await download(opened, tf.tidy(() => globalNorm(arrays.map((a) => tf.tensor1d(a)))));
    expect(norm![0]! / Math.sqrt(arrays.reduce((sum, a) => sum + sumSquares(a), 0))).toBeCloseTo(1, 6);
  });

  it('keeps its digits over two million values', async () => {
    const [norm] = await download(opened, tf.tidy(() => globalNorm([tf.fill([2_000_000], 0.1)])));
    // One float32 sum in one go would be off by 5e-5.
    expect(Math.abs(norm![0]! / Math.sqrt(2e4) - 1)).toBeLessThan(2e-6);
  });
});
