import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { elementwise } from '../../testing/tolerances.ts';
import { ropeRotate } from './rope.cpu.ts';
import { createRopeTables, rope } from './rope.ts';

describe.each(await testBackends())('rope on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1, 1, 2], [3, 5, 2, 6], [2, 65, 3, 32], [1, 4097, 1, 2]])('equals the twin: B %i, T %i, H %i, K %i', async (B, T, H, K) => {
    const x = randomFloats(B * T * H * K, 1);
    const weights = randomFloats(x.length, 2);
    const positions = randomInts(B * T, 70, 3);
    const { cos, sin } = createRopeTables({ maxPositionEmbeddings: 70, headDim: K, ropeTheta: 10000 });
    const positionTensor = tf.tensor2d(positions, [B, T], 'int32');
    const at = (values: Float32Array): tf.Tensor => tf.tensor(values, [B, T, H, K]);
    const grad = tf.grad((t) => tf.sum(tf.mul(rope(t, cos, sin, positionTensor), at(weights))))(at(x));
    const [out, gradX, cosines, sines] = await download(opened, [rope(at(x), cos, sin, positionTensor), grad, cos, sin]);
    const expected = new Float32Array(x.length);
    ropeRotate(x, cosines!, sines!, positions, expected, H, K, 1);
    assertAllClose(out!, expected, elementwise, 'out');
    ropeRotate(weights, cosines!, sines!, positions, expected, H, K, -1);
    assertAllClose(gradX!, expected, elementwise, 'gradient');
  });
});
