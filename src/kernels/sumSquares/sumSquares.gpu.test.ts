import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { createSlab } from '../../testing/slabs.ts';
import { clipFactor, sumSquares } from './sumSquares.cpu.ts';
import { clipScale, globalNorm } from './sumSquares.ts';

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

describe.each(await testBackends())('clipScale on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([1, 3, 64, 257, 4097, 65_540])('equals the twin over %i values, clipped and not', async (size) => {
    const grads = randomFloats(size, 1);
    const { slab, slices } = createSlab([{ shape: [size], data: grads }]);
    for (const [maxNorm, microBatches] of [[1, 1], [1e6, 3], [0.5, 4]] as const) {
      const [result] = await download(opened, clipScale(slices[0]!, maxNorm, microBatches));
      const { norm, scale } = clipFactor(Float64Array.from(grads), maxNorm, microBatches);
      expect(result![0]! / norm).toBeCloseTo(1, 6);
      expect(result![1]! / scale).toBeCloseTo(1, 6);
    }
    slab.dispose();
  });

  it('keeps its digits over six million values', async () => {
    const grads = tf.fill([6_000_000], 0.1);
    const [result] = await download(opened, clipScale(grads, 1, 1));
    grads.dispose();
    expect(Math.abs(result![0]! / Math.sqrt(6e4) - 1)).toBeLessThan(2e-6);
  });

  it('clips nothing where all gradients are zero, and refuses numbers that make no sense', async () => {
    const grads = tf.zeros([64]);
    const [result] = await download(opened, clipScale(grads, 1, 2));
    expect(Array.from(result!)).toEqual([0, 0.5]);
    expect(() => clipScale(grads, 0, 1)).toThrow('maxNorm 0');
    expect(() => clipScale(grads, 1, 0)).toThrow('microBatches 0');
    grads.dispose();
  });
});
