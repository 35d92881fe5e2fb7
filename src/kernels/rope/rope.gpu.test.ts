import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { elementwise } from '../../testing/tolerances.ts';
import { ropeRotate } from './rope.cpu.ts';
import { createRopeTables, rope, rotateInPlace } from './rope.ts';

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

  it.each([[1, 1, 2, 3], [5, 3, 6, 24], [65, 3, 32, 160], [130, 6, 8, 48], [4097, 1, 2, 5]])('turns the first heads of each row in place and back: R %i, heads %i, K %i, W %i', async (R, heads, K, W) => {
    const values = randomFloats(R * W, 1);
    const positions = randomInts(R, 70, 3);
    const { cos, sin } = createRopeTables({ maxPositionEmbeddings: 70, headDim: K, ropeTheta: 10000 });
    const rotation = { cos, sin, positions: tf.tensor1d(positions, 'int32'), heads, headDim: K };
    const [there, back] = [tf.tensor2d(values, [R, W]), tf.tensor2d(values.slice(), [R, W])];
    rotateInPlace(there, rotation, 1);
    rotateInPlace(back, rotation, -1);
    const view = tf.reshape(back, [W, R]);
    expect(() => rotateInPlace(back, rotation, 1)).toThrow('share its storage');
    view.dispose();
    rotateInPlace(back, rotation, 1);
    const [gotThere, gotBack, cosines, sines] = await download(opened, [there, back, cos, sin]);
    const expected = values.slice();
    for (let r = 0; r < R; r++) {
      const turned = expected.subarray(r * W, r * W + heads * K);
      ropeRotate(turned.slice(), cosines!, sines!, positions.subarray(r, r + 1), turned, heads, K, 1);
    }
    assertAllClose(gotThere!, expected, elementwise, 'turned');
    assertAllClose(gotBack!, values, elementwise, 'turned there and back');
    rotation.positions.dispose();
  });
});
