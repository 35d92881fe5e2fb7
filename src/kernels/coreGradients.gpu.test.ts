import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { randomFloats } from '../testing/arrays.ts';
import { openTestBackend, testBackends } from '../testing/backend.ts';

/** Ops with the shapes of their inputs; values are around 0 unless `shift` moves them away from a kink or a pole. */
const cases: [string, (...x: tf.Tensor[]) => tf.Tensor, number[][], shift?: number][] = [
  ['add, broadcast', (a, b) => tf.add(a!, b!), [[2, 3], [3]]],
  ['sub, broadcast', (a, b) => tf.sub(a!, b!), [[3], [2, 3]]],
  ['mul, broadcast inside', (a, b) => tf.mul(a!, b!), [[2, 1, 3], [4, 1]]],
  ['div', (a, b) => tf.div(a!, b!), [[2, 3], [2, 3]], 3],
  ['maximum, broadcast', (a, b) => tf.maximum(a!, b!), [[2, 3], [3]]],
  ['minimum, broadcast', (a, b) => tf.minimum(a!, b!), [[2, 3], [1]]],
  ['squaredDifference, broadcast', (a, b) => tf.squaredDifference(a!, b!), [[2, 3], [3]]],
  ['neg', (x) => tf.neg(x!), [[3]]],
  ['exp', (x) => tf.exp(x!), [[3]]],
  ['log', (x) => tf.log(x!), [[3]], 4],
  ['log1p', (x) => tf.log1p(x!), [[3]], 4],
  ['sqrt', (x) => tf.sqrt(x!), [[3]], 4],
  ['rsqrt', (x) => tf.rsqrt(x!), [[3]], 4],
  ['square', (x) => tf.square(x!), [[3]]],
  ['abs', (x) => tf.abs(x!), [[3]], 4],
  ['sigmoid', (x) => tf.sigmoid(x!), [[3]]],
  ['tanh', (x) => tf.tanh(x!), [[3]]],
  ['relu', (x) => tf.relu(x!), [[3]], 4],
  ['softplus', (x) => tf.softplus(x!), [[3]]],
  ['clipByValue', (x) => tf.clipByValue(x!, 3.9, 4.1), [[9]], 4],
  ['where', (a, b) => tf.where(tf.tensor1d([1, 0, 1], 'bool'), a!, b!), [[3], [3]]],
  ['sum over an axis', (x) => tf.sum(x!, 1), [[2, 3, 2]]],
  ['sum of all', (x) => tf.sum(x!), [[2, 3]]],
  ['mean, kept axes', (x) => tf.mean(x!, [0, 2], true), [[2, 3, 2]]],
  ['max over an axis', (x) => tf.max(x!, 0), [[4, 3]]],
  ['cumsum', (x) => tf.cumsum(x!, 1), [[2, 4]]],
  ['cumsum, exclusive and reverse', (x) => tf.cumsum(x!, 0, true, true), [[4, 2]]],
  ['softmax', (x) => tf.softmax(x!), [[2, 5]]],
  ['logSoftmax', (x) => tf.logSoftmax(x!), [[2, 5]]],
  ['logSumExp', (x) => tf.logSumExp(x!, 1), [[2, 5]]],
  ['reshape', (x) => tf.reshape(x!, [3, 2]), [[2, 3]]],
  ['expandDims and squeeze', (x) => tf.squeeze(tf.expandDims(x!, 1)), [[2, 3]]],
  ['broadcastTo', (x) => tf.broadcastTo(x!, [4, 2, 3]), [[2, 1]]],
  ['transpose', (x) => tf.transpose(x!, [2, 0, 1]), [[2, 3, 4]]],
  ['tile', (x) => tf.tile(x!, [2, 3]), [[2, 3]]],
  ['slice', (x) => tf.slice(x!, [1, 0], [1, 2]), [[3, 3]]],
  ['slice to the end', (x) => tf.slice(x!, [1], [-1]), [[4, 2]]],
  ['pad', (x) => tf.pad(x!, [[1, 0], [0, 2]]), [[2, 3]]],
  ['concat', (a, b) => tf.concat([a!, b!], 1), [[2, 3], [2, 1]]],
  ['split', (x) => tf.mul(...(tf.split(x!, 2, 1) as [tf.Tensor, tf.Tensor])), [[2, 4]]],
  ['stack', (a, b) => tf.stack([a!, b!], 1), [[3], [3]]],
  ['unstack', (x) => tf.mul(...(tf.unstack(x!, 0) as [tf.Tensor, tf.Tensor])), [[2, 3]]],
];

describe.each(await testBackends())('gradients of stock kernels on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each(cases)('%s', async (_name, op, shapes, shift = 0) => {
    const points = shapes.map((shape, i) => randomFloats(tf.util.sizeFromShape(shape), i + 1, 0.5).map((v) => v + shift));
    const directions = shapes.map((shape, i) => randomFloats(tf.util.sizeFromShape(shape), i + 11));
    const inputs = points.map((values, i) => tf.tensor(values, shapes[i]));
    const size = tf.tidy(() => op(...inputs).size);
    const weights = randomFloats(size, 7);
    const loss = (...x: tf.Tensor[]): tf.Scalar => tf.tidy(() => tf.sum(tf.mul(tf.reshape(op(...x), [size]), tf.tensor1d(weights))) as tf.Scalar);
    const grads = tf.grads((...x) => loss(...x))(inputs);
    for (const [i, grad] of grads.entries()) {
      const h = 4e-3;
      const at = async (sign: number): Promise<number> => {
        const moved = inputs.map((input, j) => (j === i ? tf.tensor(points[j]!.map((v, e) => v + sign * h * directions[j]![e]!), shapes[j]) : input));
        return (await loss(...moved).data())[0]!;
      };
      const measured = ((await at(1)) - (await at(-1))) / (2 * h);
      const predicted = ((await grad.data()) as Float32Array).reduce((sum, g, e) => sum + g * directions[i]![e]!, 0);
      expect(grad.shape).toEqual(shapes[i]);
      // Float32 losses around 1 over a distance of 8e-3: good to a few 1e-4.
      expect(Math.abs(predicted - measured), `input ${i}: ${predicted}, measured ${measured}`).toBeLessThan(2e-3 * Math.max(1, Math.abs(measured)));
    }
    await opened.assertHealthy();
  });

  it('names the kernel that has no gradient', () => {
    expect(() => tf.grad((x) => tf.sum(tf.sin(x)))(tf.ones([2]))).toThrow('gradient function not found for Sin');
  });
});
