import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { countUniform, lineMain, lineWorkgroups, runWgsl, type WebGpuHost } from '../runWgsl.ts';
import { dispatchesPerSubmit, streamOf } from './commandStream.ts';
import { countsSince, gpuCounters } from './gpuCounters.ts';

const backend = (): WebGpuHost => tf.backend() as unknown as WebGpuHost;

/** x ← factor · x, in place. */
function scale(x: tf.Tensor, factor: number): void {
  runWgsl(backend(), {
    key: 'testScale',
    bindings: [{ name: 'x', tensor: x, element: 'f32', access: 'read_write' }],
    uniforms: [countUniform(x.size), { name: 'factor', type: 'f32', value: factor }],
    code: () => `${lineMain} x[i] = params.factor * x[i]; }`,
    workgroups: lineWorkgroups(x.size),
  });
}

/** Stock kernels and ours on intermediate results that are disposed while commands that use them are not submitted. */
function chain(x: tf.Tensor1D, length: number): tf.Tensor1D {
  return tf.tidy(() => {
    let y = tf.relu(x);
    for (let i = 0; i < length; i++) {
      const next = tf.add(y, x);
      y.dispose();
      scale(next, 0.5);
      y = next as tf.Tensor1D;
    }
    return y;
  });
}

describe.skipIf(!(await hasTestGpu()))('the command stream', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('counts dispatches of stock kernels and ours, submits and uploads', async () => {
    const x = tf.relu(tf.tensor1d([1, 2, 3, 4]));
    streamOf(backend()).flush();
    const before = { ...gpuCounters };
    const y = tf.add(x, tf.tensor1d([1, 1, 1, 1]));
    scale(y, 7);
    streamOf(backend()).flush();
    expect(countsSince(before)).toMatchObject({ programs: 2, submits: 1, bufferWrites: 1, bytesUploaded: expect.any(Number), pipelineCreations: 2 });
    const [values] = await download(opened, y);
    expect(Array.from(values!)).toEqual([14, 21, 28, 35]);
    x.dispose();
  });

  it('submits after every so many dispatches, whoever recorded them', () => {
    const x = tf.relu(tf.ones([8]));
    streamOf(backend()).flush();
    const before = { ...gpuCounters };
    for (let i = 0; i < dispatchesPerSubmit / 2; i++) {
      scale(x, 1);
      tf.relu(x).dispose();
    }
    expect(countsSince(before)).toMatchObject({ programs: dispatchesPerSubmit, submits: 1 });
    x.dispose();
  });

  it('uploads, creates and binds nothing in a step like the one before, but the batch', async () => {
    const step = async (value: number): Promise<Float32Array> => {
      const batch = tf.tensor1d(new Float32Array(300).fill(value));
      for (let i = 0; i < 40; i++) scale(batch, 1 + (i % 4));
      const [values] = await download(opened, batch);
      return values!;
    };
    for (let i = 0; i < 3; i++) await step(i);
    const before = { ...gpuCounters };
    const values = await step(5);
    expect(values.every((v) => v === 5 * 24 ** 10)).toBe(true);
    expect(countsSince(before)).toEqual({ programs: 40, submits: 2, uniformWrites: 0, bufferWrites: 1, bytesUploaded: 1200, bufferCreations: 0, pipelineCreations: 0, bindGroupCreations: 0 });
  });

  it('stays right and within bounds over 50 steps of ever other sizes', async () => {
    opened.trimPool();
    const { pool } = streamOf(backend());
    const allocated: number[] = [];
    const before = pool.numBytesUsed;
    for (let i = 0; i < 50; i++) {
      const size = 30_000 + 3919 * ((i * 17) % 50);
      const x = tf.range(0, size);
      const [y, kept] = [chain(x, 12), tf.mul(x, 3)];
      x.dispose();
      const [values, triple] = await download(opened, [y, kept]);
      expect(values!.length).toBe(size);
      for (const at of [0, 1, size >> 1, size - 1]) {
        expect(values![at]! / Math.max(1, at)).toBeCloseTo(at === 0 ? 0 : 1, 3);
        expect(triple![at]).toBe(3 * at);
      }
      allocated.push(opened.memory().gpuBytes!);
      expect(pool.numBytesUsed).toBe(before);
    }
    // The live peak is below 4 MB, and tfjs' own pool would hold every size: more than 64.
    expect(Math.max(...allocated)).toBeLessThanOrEqual(64 * 2 ** 20);
    opened.trimPool();
    expect(opened.memory().gpuBytes).toBeLessThan(2 ** 20);
  });

  it('reads what a tensor held at that point, though it is rewritten or disposed while the read is under way', async () => {
    const x = tf.relu(tf.tensor1d([1, 2, 3]));
    const early = x.data();
    scale(x, 10);
    const late = x.data();
    x.dispose();
    tf.dispose(tf.relu(tf.tensor1d([7, 7, 7])));
    expect(Array.from(await early)).toEqual([1, 2, 3]);
    expect(Array.from(await late)).toEqual([10, 20, 30]);
    await opened.assertHealthy();
  });

  it('uploads and reads back float32, int32 and bool', async () => {
    const read = async (values: tf.Tensor): Promise<number[]> => Array.from((await download(opened, [values]))[0]!);
    expect(await read(tf.reshape(tf.relu(tf.tensor1d([1.5, -2])), [2, 1]))).toEqual([1.5, 0]);
    expect(await read(tf.concat([tf.tensor1d([2 ** 24 - 1, -5], 'int32'), tf.tensor1d([3], 'int32')]))).toEqual([2 ** 24 - 1, -5, 3]);
    expect(await read(tf.logicalNot(tf.tensor1d([true, false, true], 'bool')))).toEqual([0, 1, 0]);
  });
});
