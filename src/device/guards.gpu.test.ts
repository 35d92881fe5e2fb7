import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { download } from '../testing/gpuCase.ts';
import { assertGuarded } from './guards.ts';
import type { OpenedBackend } from './openDevice.ts';

/** 0, 1, 2, … of any dtype. */
function counting(shape: number[], dtype: 'int32' | 'float32'): tf.Tensor {
  return tf.tensor(Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => i), shape, dtype);
}

describe.skipIf(!(await hasTestGpu()))('guards on WebGPU', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('are marked as installed, and one tfjs-core is loaded', () => {
    expect(() => assertGuarded()).not.toThrow();
  });

  it('transpose int32 tensors of rank 3', async () => {
    const [out] = await download(opened, tf.transpose(counting([2, 3, 4], 'int32'), [0, 2, 1]));
    expect(Array.from(out!).slice(0, 6)).toEqual([0, 4, 8, 1, 5, 9]);
  });

  it('sum int32 tensors over a leading axis', async () => {
    const [out] = await download(opened, tf.sum(counting([2, 3, 4], 'int32'), 0));
    expect(Array.from(out!).slice(0, 3)).toEqual([12, 14, 16]);
  });

  it('cast int32 and bool to float32 that every kernel can read', async () => {
    const floats = tf.cast(counting([2, 3, 4], 'int32'), 'float32');
    const bools = tf.cast(tf.greater(counting([4], 'float32'), 1), 'float32');
    const [transposed, product] = await download(opened, [tf.transpose(floats, [0, 2, 1]), tf.matMul(tf.reshape(bools, [1, 4]), tf.reshape(bools, [4, 1]))]);
    expect(Array.from(transposed!).slice(0, 4)).toEqual([0, 4, 8, 1]);
    expect(product![0]).toBe(2);
  });

  it('sum cumulatively in both directions, one length after the other', async () => {
    for (const n of [5, 8, 3]) {
      const [up, down] = await download(opened, [tf.cumsum(tf.ones([n])), tf.cumsum(tf.ones([n]), 0, false, true)]);
      expect(Array.from(up!)).toEqual(Array.from({ length: n }, (_, i) => i + 1));
      expect(Array.from(down!)).toEqual(Array.from({ length: n }, (_, i) => n - i));
    }
  });

  it('softmax more rows than one grid dimension has workgroups', async () => {
    // 65 536 rows show the mistake on every device; a device that claims 16 workgroups shows it with 17.
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const { limits } = device;
    Object.defineProperty(device, 'limits', { value: { maxComputeWorkgroupsPerDimension: 16 }, configurable: true });
    const out = tf.softmax(tf.tile(tf.tensor2d([[0, 1, 2, 3]]), [17, 1]));
    Object.defineProperty(device, 'limits', { value: limits, configurable: true });
    const [values] = await download(opened, out);
    for (let row = 0; row < 17; row++) expect(Array.from(values!.subarray(4 * row, 4 * row + 4), (v) => v.toFixed(4)), `row ${row}`).toEqual(['0.0321', '0.0871', '0.2369', '0.6439']);
  });
});
