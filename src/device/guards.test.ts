import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestBackend } from '../testing/backend.ts';
import { assertGuarded } from './guards.ts';
import type { OpenedBackend } from './openDevice.ts';

describe('guards on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('are marked as installed', () => {
    expect(() => assertGuarded()).not.toThrow();
  });

  it('report a full heap instead of writing to address 0, and the heap stays usable', async () => {
    const backend = tf.backend() as unknown as { makeOutput(shape: number[], dtype: string): tf.TensorInfo };
    expect(() => backend.makeOutput([2 ** 30], 'float32'), '4 GiB wraps around to 0').toThrow('no room for a tensor of 4294967296 bytes');
    expect(() => {
      for (let i = 0; i < 3; i++) backend.makeOutput([2 ** 29], 'float32');
    }, 'three times 2 GiB').toThrow('no room for a tensor of 2147483648 bytes');
    expect(Array.from(await tf.add(tf.ones([2]), 1).data())).toEqual([2, 2]);
  });

  it('leave no fused matMul, which is wrong on WASM', () => {
    expect(tf.getKernel('_FusedMatMul', 'wasm')).toBeUndefined();
  });
});

it('assertGuarded refuses a backend that was not opened with openBackend', async () => {
  const { setBackend } = tf;
  await import('@tensorflow/tfjs-backend-cpu');
  await setBackend('cpu');
  expect(() => assertGuarded()).toThrow('its guards are missing');
});
