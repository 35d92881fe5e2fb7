import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { createSlab } from '../../testing/slabs.ts';
import type { Operand } from '../slice.ts';
import { clipFactor, sumSquares } from './clipScale.cpu.ts';
import { clipScale } from './clipScale.ts';

describe.each(await testBackends())('clipScale on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  /** One call with a `held` of its own unless given. */
  async function call(grads: Operand, maxNorm: number, microBatches: number, losses: number[] = [1], held = tf.zeros([1])): Promise<{ norm: number; scale: number }> {
    const lossTensor = tf.tensor1d(losses);
    const result = clipScale(grads, lossTensor, held, maxNorm, microBatches);
    const [norm, scale] = (await result.data()) as Float32Array;
    tf.dispose([lossTensor, result, held]);
    await opened.assertHealthy();
    return { norm: norm!, scale: scale! };
  }

  it.each([1, 3, 64, 257, 4097, 65_540])('equals the twin over %i values, clipped and not', async (size) => {
    const grads = randomFloats(size, 1);
    const { slab, slices } = createSlab([{ shape: [size], data: grads }]);
    for (const [maxNorm, microBatches] of [[1, 1], [1e6, 3], [0.5, 4]] as const) {
      const { norm, scale } = await call(slices[0]!, maxNorm, microBatches);
      const expected = clipFactor(sumSquares(Float64Array.from(grads)), Float64Array.of(1), new Float64Array(1), maxNorm, microBatches);
      expect(norm / expected.norm).toBeCloseTo(1, 6);
      expect(scale / expected.scale).toBeCloseTo(1, 6);
    }
    slab.dispose();
  });

  it('keeps its digits over six million values', async () => {
    const grads = tf.fill([6_000_000], 0.1);
    const { norm } = await call(grads, 1, 1);
    grads.dispose();
    // One float32 sum in one go would be off by 5e-5.
    expect(Math.abs(norm / Math.sqrt(6e4) - 1)).toBeLessThan(2e-6);
  });

  it('clips nothing where all gradients are zero, and refuses numbers that make no sense', async () => {
    const grads = tf.zeros([64]);
    expect(await call(grads, 1, 2)).toEqual({ norm: 0, scale: 0.5 });
    await expect(call(grads, 0, 1)).rejects.toThrow('maxNorm 0');
    await expect(call(grads, 1, 0)).rejects.toThrow('microBatches 0');
    grads.dispose();
  });

  it.each([
    ['a loss', [1, Number.NaN, 2], [1, 1]],
    ['a loss', [1, Number.POSITIVE_INFINITY, 2], [1, 1]],
    ['a gradient', [1, 2, 3], [1, Number.NaN]],
    ['the norm', [1, 2, 3], [3e38, 3e38]],
  ])('holds this step and all later ones back once %s is not finite: losses %j, gradients %j', async (_what, losses, values) => {
    const held = tf.zeros([1]);
    const [bad, good] = [tf.tensor1d(values), tf.tensor1d([1, 1])];
    const scales: number[] = [];
    for (const [grads, loss] of [[good, [1]], [bad, losses], [good, [1]]] as const) {
      const lossTensor = tf.tensor1d([...loss]);
      const result = clipScale(grads, lossTensor, held, 10, 1);
      scales.push(((await result.data()) as Float32Array)[1]!);
      tf.dispose([lossTensor, result]);
    }
    expect(scales).toEqual([1, Number.NaN, Number.NaN]);
    tf.dispose([held, bad, good]);
    await opened.assertHealthy();
  });
});
