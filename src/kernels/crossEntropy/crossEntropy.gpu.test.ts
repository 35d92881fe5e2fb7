import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { transcendental } from '../../testing/tolerances.ts';
import { crossEntropyBackward, crossEntropyForward } from './crossEntropy.cpu.ts';
import { crossEntropy } from './crossEntropy.ts';

describe.each(await testBackends())('crossEntropy on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 65], [257, 63], [5, 4097]])('equals the twin: %i rows of %i logits', async (N, V) => {
    const logits = randomFloats(N * V, 1, 5);
    const labels = randomInts(N, V, 2);
    if (N > 2) labels[1] = -100;
    const weights = randomFloats(N, 3);
    const labelTensor = tf.tensor1d(labels, 'int32');
    const at = (): tf.Tensor => tf.tensor2d(logits, [N, V]);
    const grad = tf.grad((z) => tf.sum(tf.mul(crossEntropy(z, labelTensor), tf.tensor1d(weights))))(at());
    const [nll, gradLogits] = await download(opened, [crossEntropy(at(), labelTensor), grad]);
    const [expected, logSumExp] = [new Float64Array(N), new Float64Array(N)];
    const logits64 = Float64Array.from(logits);
    crossEntropyForward(logits64, labels, expected, logSumExp, V);
    assertAllClose(nll!, expected, transcendental, 'nll');
    const expectedGrad = new Float64Array(N * V);
    crossEntropyBackward(logits64, labels, logSumExp, Float64Array.from(weights), expectedGrad, V);
    assertAllClose(gradLogits!, expectedGrad, transcendental, 'gradient');
  });

  it('is stable for huge logits', async () => {
    const [nll] = await download(opened, crossEntropy(tf.tensor2d([[1e4, 1e4], [-1e4, 0]]), tf.tensor1d([0, 0], 'int32')));
    expect(nll![0]).toBeCloseTo(Math.LN2, 2);
    expect(nll![1]).toBe(1e4);
  });

  it('refuses a label outside the vocabulary, or gives NaN where a GPU cannot throw', async () => {
    const call = (): tf.Tensor => crossEntropy(tf.tensor2d([[1, 2]]), tf.tensor1d([2], 'int32'));
    if (backendName === 'webgpu') expect((await download(opened, call()))[0]![0]).toBeNaN();
    else expect(call).toThrow('label 2');
  });
});
