import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { assertAllClose } from '../testing/allclose.ts';
import { hasTestGpu, openTestBackend } from '../testing/backend.ts';
import { createTinyLm } from '../testing/tinyLm.ts';
import { transcendental } from '../testing/tolerances.ts';

const available = await hasTestGpu();

async function gradientsOn(backend: 'webgpu' | 'wasm'): Promise<{ loss: Float32Array; grads: Float32Array[]; names: string[] }> {
  const opened = await openTestBackend(backend);
  const { params, names, loss } = createTinyLm(1);
  const { value, grads } = tf.variableGrads(loss, params);
  const result = { loss: (await value.data()) as Float32Array, grads: await Promise.all(params.map((p) => grads[p.name]!.data() as Promise<Float32Array>)), names };
  await opened.assertHealthy();
  await opened.close();
  return result;
}

describe.skipIf(!available)('the kernels together on WebGPU', () => {
  it('give the loss and gradients of WASM', async () => {
    const wasm = await gradientsOn('wasm');
    const webgpu = await gradientsOn('webgpu');
    assertAllClose(webgpu.loss, wasm.loss, transcendental, 'loss');
    wasm.grads.forEach((grad, i) => assertAllClose(webgpu.grads[i]!, grad, transcendental, wasm.names[i]));
  });

  it('keep the number of tensors and the GPU memory flat over 200 gradients', async () => {
    const opened = await openTestBackend('webgpu');
    const { params, loss } = createTinyLm(3);
    const step = async (): Promise<void> => {
      const { value, grads } = tf.variableGrads(loss, params);
      await value.data();
      tf.dispose([value, grads]);
    };
    for (let i = 0; i < 5; i++) await step();
    const before = opened.memory();
    for (let i = 0; i < 200; i++) await step();
    expect(opened.memory()).toEqual(before);
    await opened.assertHealthy();
    await opened.close();
  });
});
