import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { writeKvCache } from './kvCache.ts';

describe.each(await testBackends())('writeKvCache on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it('writes the slots of each row, leaves the others, and a download made before is not stale', async () => {
    const cache = tf.fill([2, 4, 1, 2], -1) as tf.Tensor4D;
    expect((await cache.data())[2]).toBe(-1);
    tf.tidy(() => writeKvCache(cache, tf.tensor4d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1, 2]), 1));
    expect(Array.from(await cache.data())).toEqual([-1, -1, 1, 2, 3, 4, -1, -1, -1, -1, 5, 6, 7, 8, -1, -1]);
    await opened.assertHealthy();
  });
});
