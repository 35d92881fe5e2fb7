import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { createTinyLm } from '../testing/tinyLm.ts';

describe('the kernels together on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('give the gradient of a whole LM: directional central differences agree for every parameter', async () => {
    const { names, params, loss } = createTinyLm(1);
    const { value, grads } = tf.variableGrads(loss, params);
    expect((await value.data())[0]).toBeGreaterThan(0);
    const rng = new Rng(2);
    for (const [i, param] of params.entries()) {
      const direction = Float32Array.from({ length: param.size }, () => rng.normal());
      const original = Float32Array.from(await param.data());
      const at = async (step: number): Promise<number> => {
        const moved = original.map((x, j) => x + step * direction[j]!);
        return tf.tidy(() => {
          param.assign(tf.tensor(moved, param.shape));
          return loss();
        }).data().then((d) => d[0]!);
      };
      const h = 2e-3;
      const measured = ((await at(h)) - (await at(-h))) / (2 * h);
      await at(0);
      const grad = (await grads[param.name]!.data()) as Float32Array;
      const predicted = grad.reduce((sum, g, j) => sum + g * direction[j]!, 0);
      // Float32 losses differ in the seventh digit, so differences over 4e-3 are good to about 1e-4.
      expect(Math.abs(measured - predicted), names[i]).toBeLessThan(2e-3 * Math.max(1, Math.abs(measured)));
    }
  });

  it('leave no tensors behind after a gradient', () => {
    const { params, loss } = createTinyLm(3);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) {
      const { value, grads } = tf.variableGrads(loss, params);
      tf.dispose([value, grads]);
    }
    expect(tf.memory().numTensors).toBe(before);
  });
});
