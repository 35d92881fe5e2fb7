import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { deviceTraits } from './deviceTraits.ts';
import { countUniform, lineMain, lineWorkgroups, runWgsl, type WebGpuHost, type WgslProgram } from './runWgsl.ts';

const double = (key: string, tensor: tf.Tensor, body: string, element: 'f32' | 'i32' = 'f32'): WgslProgram => ({
  key,
  bindings: [{ name: 'x', tensor, element, access: 'read_write' }],
  uniforms: [countUniform(tensor.size)],
  code: () => `${lineMain} ${body} }`,
  workgroups: lineWorkgroups(tensor.size),
});

describe.skipIf(!(await hasTestGpu()))('runWgsl', () => {
  let opened: OpenedBackend;
  const backend = (): WebGpuHost => tf.backend() as unknown as WebGpuHost;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('keeps the order with stock kernels, and downloads what the last one wrote', async () => {
    const x = tf.add(tf.ones([5]), 1);
    runWgsl(backend(), double('double', x, 'x[i] = x[i] * 2.0;'));
    const y = tf.add(x, 1);
    runWgsl(backend(), double('double', x, 'x[i] = x[i] * 2.0;'));
    expect(Array.from(await y.data())).toEqual([5, 5, 5, 5, 5]);
    expect(Array.from(await x.data())).toEqual([8, 8, 8, 8, 8]);
    await opened.assertHealthy();
  });

  it('reaches every value of a tensor that needs more than 65 535 workgroups, each once', async () => {
    const size = 65535 * 64 + 65;
    const x = tf.fill([size], 1);
    runWgsl(backend(), double('double', x, 'x[i] = x[i] * 2.0;'));
    const values = await x.data();
    expect(values.every((v) => v === 2)).toBe(true);
    x.dispose();
    await opened.assertHealthy();
  });

  it('refuses other code under a key that is in use, because the first code would run', () => {
    const x = tf.ones([3]);
    runWgsl(backend(), double('same', x, 'x[i] = 1.0;'));
    expect(() => runWgsl(backend(), double('same', x, 'x[i] = 2.0;'))).toThrow('WGSL differs under the same key');
  });

  it('moves directives of a kernel before the declarations, so that a kernel can use subgroups', async (context) => {
    if (!deviceTraits().subgroups) return context.skip('This adapter has no subgroups.');
    const x = tf.ones([64]);
    const code = () => 'enable subgroups;\n@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) { x[i] = subgroupAdd(x[i]) + 0.0 * f32(params.count); }';
    runWgsl(backend(), { ...double('sums', x, ''), code });
    const [lanes] = await x.data();
    expect(lanes).toBeGreaterThan(1);
    await opened.assertHealthy();
  });

  it('refuses to read an int32 buffer as floats', () => {
    expect(() => runWgsl(backend(), double('double', tf.tensor1d([1, 2], 'int32'), 'x[i] = x[i] * 2.0;'))).toThrow('stored as i32');
  });

  it('refuses a grid that the device cannot run', () => {
    expect(() => runWgsl(backend(), { ...double('double', tf.ones([3]), 'x[i] = x[i] * 2.0;'), workgroups: [1, 1, 2 ** 20] })).toThrow('exceed the device limit');
  });
});
