import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { deviceTraits } from '../kernels/deviceTraits.ts';
import { runWgsl, type WebGpuHost } from '../kernels/runWgsl.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { openNodeGpu } from '../testing/nodeGpu.ts';
import { type OpenedBackend, openBackend } from './openDevice.ts';

const backend = (): WebGpuHost => tf.backend() as unknown as WebGpuHost;

describe.skipIf(!(await hasTestGpu()))('openBackend on WebGPU', () => {
  let opened: OpenedBackend | null = null;
  afterEach(async () => {
    await opened?.close();
    opened = null;
  });

  it('describes the adapter and the largest buffer', async () => {
    opened = await openTestBackend('webgpu');
    expect(tf.getBackend()).toBe('webgpu');
    expect(opened.adapter?.vendor).not.toBe('');
    expect(opened.maxBufferSizeBytes).toBeGreaterThanOrEqual(128 * 2 ** 20);
    await expect(opened.assertHealthy()).resolves.toBeUndefined();
  });

  it('tells kernels what the device is, and asks for every feature that they may use', async () => {
    opened = await openTestBackend('webgpu');
    const { adapterClass, ...traits } = deviceTraits();
    expect(adapterClass === 'software').toBe(opened.adapter!.isSoftware);
    const { features } = (await (await openNodeGpu())!.requestAdapter())!;
    expect(traits).toMatchObject({ subgroups: features.has('subgroups'), shaderF16: features.has('shader-f16'), timestampQuery: features.has('timestamp-query') });
  });

  it('does not take a software adapter unless it is allowed, and falls back to WASM for auto', async () => {
    opened = await openTestBackend('webgpu');
    const { isSoftware } = opened.adapter!;
    await opened.close();
    const gpu = (await openNodeGpu())!;
    opened = await openBackend('auto', { allowSoftwareAdapter: false, gpu });
    expect(opened.backend).toBe(isSoftware ? 'wasm' : 'webgpu');
    if (isSoftware) await expect(openBackend('webgpu', { allowSoftwareAdapter: false, gpu })).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('runs on the CPU') });
  });

  it('reports a bad shader: listeners hear it and assertHealthy throws it, though tfjs would go on silently', async () => {
    opened = await openTestBackend('webgpu');
    const heard: EngineError[] = [];
    opened.onGpuError((error) => heard.push(error));
    const x = tf.relu(tf.ones([4]));
    runWgsl(backend(), { key: 'bad', bindings: [{ name: 'x', tensor: x, element: 'f32', access: 'read_write' }], uniforms: [], code: () => 'this is no WGSL', workgroups: [1, 1, 1] });
    await expect(opened.assertHealthy()).rejects.toMatchObject({ code: 'gpu-error' });
    expect(heard.length).toBeGreaterThan(0);
    expect(heard[0]).toBeInstanceOf(EngineError);
    await expect(opened.assertHealthy(), 'it stays unhealthy').rejects.toMatchObject({ code: 'gpu-error' });
  });

  it('notices a lost device in the middle of work', async () => {
    opened = await openTestBackend('webgpu');
    const y = tf.matMul(tf.ones([64, 64]), tf.ones([64, 64]));
    (backend() as unknown as { device: GPUDevice }).device.destroy();
    await expect(opened.lost).resolves.toMatchObject({ code: 'device-lost' });
    await expect(opened.assertHealthy()).rejects.toMatchObject({ code: 'device-lost' });
    expect(y.shape).toEqual([64, 64]);
  });

  it('works again after a loss, on a new device', async () => {
    opened = await openTestBackend('webgpu');
    (backend() as unknown as { device: GPUDevice }).device.destroy();
    await opened.lost;
    await opened.close();
    opened = await openTestBackend('webgpu');
    expect(Array.from(await tf.matMul(tf.ones([1, 3]), tf.ones([3, 1])).data())).toEqual([3]);
    await opened.assertHealthy();
  });

  it('trims the pool: GPU bytes of freed tensors go back, live tensors keep their values', async () => {
    opened = await openTestBackend('webgpu');
    const kept = tf.add(tf.ones([1000]), 1);
    for (const n of [1000, 2000, 3000]) tf.dispose(tf.tidy(() => tf.add(tf.ones([n * 100]), 1)));
    await opened.assertHealthy();
    const before = opened.memory().gpuBytes!;
    opened.trimPool();
    expect(opened.memory().gpuBytes).toBeLessThan(before / 10);
    expect((await tf.add(kept, 1).data())[999]).toBe(3);
    await opened.assertHealthy();
  });
});
