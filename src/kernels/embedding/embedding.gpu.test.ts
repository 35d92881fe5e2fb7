import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { reduction } from '../../testing/tolerances.ts';
import { embeddingBackward, embeddingForward } from './embedding.cpu.ts';
import { embedding } from './embedding.ts';

describe.each(await testBackends())('embedding on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1, 1], [3, 65, 7], [257, 63, 64], [5, 4097, 3]])('equals the twin: V %i, N %i, C %i', async (V, N, C) => {
    const weight = randomFloats(V * C, 1);
    const ids = randomInts(N, V, 2);
    const weights = randomFloats(N * C, 3);
    const idTensor = tf.tensor2d(ids, [1, N], 'int32');
    const { value, grad } = tf.valueAndGrad((w: tf.Tensor) => tf.sum(tf.mul(embedding(w, idTensor), tf.tensor(weights, [1, N, C]))) as tf.Scalar)(tf.tensor2d(weight, [V, C]));
    value.dispose();
    const [out, gradWeight] = await download(opened, [tf.tidy(() => embedding(tf.tensor2d(weight, [V, C]), idTensor)), grad]);
    const expected = new Float32Array(N * C);
    embeddingForward(weight, ids, expected, C);
    expect(out).toEqual(expected);
    const expectedGrad = new Float64Array(V * C);
    embeddingBackward(Float64Array.from(weights), ids, expectedGrad, C);
    assertAllClose(gradWeight!, expectedGrad, reduction, 'gradient');
  });

  it('gives the same gradient bits on every run, though many rows share an id', async () => {
    const ids = tf.tensor1d(randomInts(300, 4, 5), 'int32');
    const run = (): tf.Tensor => tf.grad((w) => tf.sum(tf.square(embedding(w, ids))))(tf.tensor2d(randomFloats(32, 6), [4, 8]));
    const [first, second] = await download(opened, [run(), run()]);
    expect(second).toEqual(first);
  });

  it.runIf(backendName === 'webgpu')('gives NaN for an id outside the vocabulary, because a GPU cannot throw', async () => {
    const [out] = await download(opened, embedding(tf.ones([2, 2]), tf.tensor1d([1, 2, -1], 'int32')));
    expect(Array.from(out!)).toEqual([1, 1, NaN, NaN, NaN, NaN]);
  });
});
