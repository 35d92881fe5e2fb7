import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { createSlab } from '../../testing/slabs.ts';
import { addColumnSums } from './columnSums.ts';

describe('addColumnSums on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 7], [64, 16], [65, 33], [200, 100], [513, 130]])('adds to a slice the float64 sums of %i rows of %i', async (R, N) => {
    const before = randomFloats(N, 1);
    const rows = randomFloats(R * N, 2);
    const { slab, slices } = createSlab([{ shape: [N], data: before }]);
    const x = tf.tensor2d(rows, [R, N]);
    addColumnSums(x, slices[0]!);
    const sums = (await slab.data()).subarray(slices[0]!.offset);
    for (let j = 0; j < N; j++) {
      let expected = before[j]!;
      for (let r = 0; r < R; r++) expected += rows[r * N + j]!;
      expect(Math.abs(sums[j]! - expected)).toBeLessThan(1e-6 * Math.sqrt(R) * 4);
    }
    tf.dispose([x, slab]);
  });
});
