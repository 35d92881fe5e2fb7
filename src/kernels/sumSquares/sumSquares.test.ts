import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { globalNorm } from './sumSquares.ts';

describe('globalNorm on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('is the root of all squares together', async () => {
    const norm = globalNorm([tf.tensor2d([[3, 0]]), tf.scalar(4)]);
    expect(norm.shape).toEqual([]);
    expect((await norm.data())[0]).toBe(5);
  });

  it('keeps its digits over two million values', async () => {
    expect((await globalNorm([tf.fill([2_000_000], 0.1)]).data())[0]! / Math.sqrt(2e4)).toBeCloseTo(1, 6);
  });

  it('refuses an empty list', () => {
    expect(() => globalNorm([])).toThrow('no gradients');
  });
});
