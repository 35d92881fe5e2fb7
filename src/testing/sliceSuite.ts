/** Kernels on slices of a slab, the same for every backend. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { runKernel } from '../kernels/kernelSpec.ts';
import { rmsNorm } from '../kernels/rmsNorm/rmsNorm.ts';
import { layOutSlices, type Slice } from '../kernels/slice.ts';

/** @param open opens the backend, which must be healthy after every test */
export function describeSlices(backendName: string, open: () => Promise<OpenedBackend>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  describe(`slices of a slab on ${backendName}`, () => {
    it('begin aligned, one after the other', () => {
      expect(layOutSlices([[3, 5], [64], [1]])).toEqual({ offsets: [0, 64, 128], size: 192 });
    });

    it('are read where they lie', async () => {
      const { offsets, size } = layOutSlices([[7], [3, 5], [2]]);
      const values = Float32Array.from({ length: size }, (_, i) => i);
      const slab = tf.tensor1d(values);
      const weight: Slice = { slab, offset: offsets[1]!, shape: [3, 5] };
      const ids = tf.tensor1d([2, 0], 'int32');
      const [rows] = runKernel('SidestepEmbedTokens', { table: weight, ids }, { scale: 1 });
      expect([...(await rows!.data())]).toEqual([...values.subarray(64 + 10, 64 + 15), ...values.subarray(64, 69)]);
      tf.dispose([slab, ids, rows!]);
    });

    it('outside their slab are refused', () => {
      const slab = tf.zeros([64]);
      const ids = tf.tensor1d([0], 'int32');
      expect(() => runKernel('SidestepEmbedTokens', { table: { slab, offset: 0, shape: [65, 1] }, ids })).toThrow('does not fit its slab');
      expect(() => runKernel('SidestepEmbedTokens', { table: { slab, offset: 8, shape: [1, 1] }, ids })).toThrow('aligned');
      tf.dispose([slab, ids]);
    });

    it('of packed values are refused by kernels that would take their bits for numbers, and where they do not fit', () => {
      const slab = tf.zeros([128], 'int32');
      const x = tf.ones([2, 8]);
      const packed: Slice = { slab, offset: 0, shape: [8], storage: 'bf16' };
      expect(() => rmsNorm(x, packed, 1e-5)).toThrow('weight is packed as bf16, which this kernel does not read');
      expect(() => rmsNorm(x, { ...packed, offset: 64 }, 1e-5)).toThrow('aligned to 128');
      expect(() => rmsNorm(x, { ...packed, slab: x }, 1e-5)).toThrow('weight is float32, expected int32');
      expect(() => rmsNorm(x, { ...packed, offset: 256 }, 1e-5)).toThrow('does not fit its slab of 256 values');
      tf.dispose([slab, x]);
    });
  });
}
