import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend, testBackends } from '../testing/backend.ts';
import { readLater } from './readLater.ts';

describe.each(await testBackends())('readLater on %s', (name) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(name);
  });
  afterAll(() => opened.close());

  it('gives the values of the moment it was called, though the tensor is gone by then', async () => {
    const reads = [1, 2, 3].map((n) => {
      const x = tf.tidy(() => tf.mul(tf.ones([5]), n));
      const read = readLater(x);
      x.dispose();
      return read;
    });
    tf.dispose(tf.tidy(() => tf.mul(tf.ones([5]), 9)));
    expect((await Promise.all(reads)).map((values) => Array.from(values))).toEqual([1, 2, 3].map((n) => Array(5).fill(n)));
    await opened.assertHealthy();
  });

  it('reads a slice, and values that were never uploaded, as a copy', async () => {
    const slab = tf.tensor1d(Float32Array.from({ length: 192 }, (_, i) => i));
    const onHost = await readLater({ slab, offset: 64, shape: [2, 3] });
    expect(Array.from(onHost)).toEqual([64, 65, 66, 67, 68, 69]);
    onHost.fill(-1);
    const computed = tf.add(slab, 1);
    expect(Array.from(await readLater({ slab: computed, offset: 128, shape: [2] }))).toEqual([129, 130]);
    expect((await readLater(slab))[64]).toBe(64);
    tf.dispose([slab, computed]);
  });

  it('refuses integers', () => {
    expect(() => readLater(tf.tensor1d([1], 'int32'))).toThrow('not float32');
  });
});
