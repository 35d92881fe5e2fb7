import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openTestBackend } from '../testing/backend.ts';
import { assertGuarded } from './guards.ts';
import { type OpenedBackend, openBackend } from './openDevice.ts';

describe('openBackend on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('makes wasm the active backend, guarded, with one tfjs-core', () => {
    expect(tf.getBackend()).toBe('wasm');
    expect(opened.backend).toBe('wasm');
    expect(opened.adapter).toBeNull();
    expect(() => assertGuarded()).not.toThrow();
  });

  it('computes, and counts tensors and bytes', async () => {
    const before = opened.memory();
    const x = tf.tensor1d([1, 2, 3]);
    expect(opened.memory()).toEqual({ numTensors: before.numTensors + 1, tensorBytes: before.tensorBytes + 12, gpuBytes: null });
    expect(Array.from(await tf.add(x, 1).data())).toEqual([2, 3, 4]);
  });

  it('can be closed and opened again', async () => {
    await opened.close();
    opened = await openBackend('wasm', { allowSoftwareAdapter: false });
    expect(Array.from(await tf.mul(tf.tensor1d([3]), 2).data())).toEqual([6]);
  });

  it('goes on with one thread where memory cannot be shared, and says why', async () => {
    await opened.close();
    vi.stubGlobal('SharedArrayBuffer', undefined);
    opened = await openBackend('wasm', { allowSoftwareAdapter: false, threads: 2 });
    vi.unstubAllGlobals();
    expect(opened.threads).toBe(1);
    expect(opened.oneThreadReason).toContain('not cross-origin isolated');
    expect(Array.from(await tf.mul(tf.tensor1d([3]), 2).data())).toEqual([6]);
  });

  it('ends its helper threads when it is closed, and opens again with others', async () => {
    for (const threads of [2, 3, 1]) {
      await opened.close();
      opened = await openBackend('wasm', { allowSoftwareAdapter: false, threads });
      expect(opened.threads).toBe(threads);
    }
    expect(opened.oneThreadReason).toContain('One thread was asked for');
  });

  it('refuses webgpu where there is no entry point, and says so', async () => {
    await expect(openBackend('webgpu', { allowSoftwareAdapter: true })).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('no WebGPU') });
  });

  it('falls back from auto to wasm without WebGPU', async () => {
    await opened.close();
    opened = await openBackend('auto', { allowSoftwareAdapter: false });
    expect(opened.backend).toBe('wasm');
  });
});
