import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { addColumnsForward, takeColumnsForward } from './columns.cpu.ts';
import { addColumns, takeColumns } from './columns.ts';

/** R, W, from, count, scale: one row and many, whole vectors and ragged ones, the whole width, nothing. */
const cases = [[1, 12, 4, 4, 1], [3, 7, 2, 5, -0.5], [5, 16, 0, 16, 2], [64, 36, 12, 9, 1.5], [9, 1, 0, 1, 3], [2, 8, 3, 0, 1], [700, 96, 32, 64, 0.25]] as const;

describe.each(await testBackends())('columns on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterEach(() => opened.assertHealthy());
  afterAll(() => opened.close());

  it.each(cases)('are taken and added as the twin does: %i × %i, from %i, %i of them, times %f', async (R, W, from, count, scale) => {
    const sizes = { R, W, from, count, scale };
    const [wide, part] = [randomFloats(R * W, 1), randomFloats(R * count, 2)];
    const [x, y] = [tf.tensor2d(wide, [R, W]), tf.tensor2d(part, [R, count])];
    const taken = takeColumns(x, from, count, scale);
    const expected = new Float32Array(R * count);
    takeColumnsForward(wide, expected, sizes);
    expect(taken.shape).toEqual([R, count]);
    expect(await taken.data()).toEqual(expected);
    addColumns(x, from, y, scale);
    const added = Float64Array.from(wide);
    addColumnsForward(added, part, sizes);
    // A fused multiply-add rounds once, a product and a sum twice.
    (await x.data()).forEach((value, i) => expect(Math.abs(value - added[i]!)).toBeLessThanOrEqual(1e-6));
    tf.dispose([x, y, taken]);
  });

  it('refuses columns that are not there, and parts with other rows', () => {
    const [x, part] = [tf.zeros([2, 5]), tf.zeros([3, 2])];
    expect(() => takeColumns(x, 3, 3)).toThrow(/columns 3 to 6 do not lie in \[2,5\]/);
    expect(() => takeColumns(x, -1, 2)).toThrow(/columns -1/);
    expect(() => addColumns(x, 0, part)).toThrow(/part has shape \[3,2\]/);
    tf.dispose([x, part]);
  });
});
