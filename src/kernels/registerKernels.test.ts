import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { causalAttention } from './attention/attention.ts';
import { crossEntropy } from './crossEntropy/crossEntropy.ts';
import { embedding } from './embedding/embedding.ts';
import { linear } from './matMul/matMul.ts';
import { rmsNorm } from './rmsNorm/rmsNorm.ts';
import { createRopeTables, rope } from './rope/rope.ts';
import { swiGlu } from './swiGlu/swiGlu.ts';

const B = 2;
const T = 5;
const H = 2;
const K = 4;
const V = 11;
const C = H * K;

/** A one-layer LM of all the ops, as a whole. */
function createTinyLm(seed: number): { names: string[]; params: tf.Variable[]; loss: () => tf.Scalar } {
  const rng = new Rng(seed);
  const make = (shape: number[], scale: number): tf.Variable =>
    tf.tidy(() => tf.variable(tf.tensor(Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => rng.normal() * scale), shape)));
  const weights = {
    table: make([V, C], 0.5),
    norm: make([C], 1),
    query: make([C, C], 0.4),
    key: make([C, C], 0.4),
    value: make([C, C], 0.4),
    gate: make([12, C], 0.4),
    up: make([12, C], 0.4),
    down: make([C, 12], 0.4),
  };
  const ids = tf.tensor2d(Array.from({ length: B * T }, () => rng.int(V)), [B, T], 'int32');
  const labels = tf.tensor1d(Array.from({ length: B * T }, (_, i) => (i === 3 ? -100 : rng.int(V))), 'int32');
  const positions = tf.tensor2d(Array.from({ length: B * T }, (_, i) => i % T), [B, T], 'int32');
  const start = tf.tensor1d([0, 1], 'int32');
  const { cos, sin } = createRopeTables({ maxPositionEmbeddings: T, headDim: K, ropeTheta: 100 });
  const heads = (x: tf.Tensor, weight: tf.Tensor): tf.Tensor => tf.reshape(linear(x, weight), [B, T, H, K]);
  const loss = (): tf.Scalar => {
    const x = embedding(weights.table, ids);
    const normed = rmsNorm(x, weights.norm, 1e-5);
    const q = rope(heads(normed, weights.query), cos, sin, positions);
    const k = rope(heads(normed, weights.key), cos, sin, positions);
    const attended = tf.add(x, tf.reshape(causalAttention(q, k, heads(normed, weights.value), { pastLength: 0, start }), [B, T, C]));
    const out = tf.add(attended, linear(swiGlu(linear(attended, weights.gate), linear(attended, weights.up)), weights.down));
    return tf.mean(crossEntropy(linear(tf.reshape(out, [B * T, C]), weights.table), labels)) as tf.Scalar;
  };
  return { names: Object.keys(weights), params: Object.values(weights), loss };
}

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
      const grad = await grads[param.name]!.data();
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
