import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { writeKvCache } from './kvCache.ts';

describe('writeKvCache on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('writes the slots of each row and leaves the others', async () => {
    const cache = tf.fill([2, 4, 1, 2], -1) as tf.Tensor4D;
    const before = tf.memory().numTensors;
    tf.tidy(() => writeKvCache(cache, tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1, 2]), 1));
    expect(tf.memory().numTensors).toBe(before);
    expect(Array.from(await cache.data())).toEqual([-1, -1, 1, 2, 3, 4, -1, -1, -1, -1, 5, 6, 7, 8, -1, -1]);
  });

  it('refuses rows that do not fit, naming the slots', () => {
    expect(() => writeKvCache(tf.zeros([1, 4, 1, 2]), tf.zeros([1, 2, 1, 2]), 3)).toThrow('2 rows at slot 3 do not fit into 4 slots');
  });
});
