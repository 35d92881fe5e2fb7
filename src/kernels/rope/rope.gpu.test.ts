import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { elementwise } from '../../testing/tolerances.ts';
import { ropeRotate } from './rope.cpu.ts';
import { createRopeTables, rotateInPlace } from './rope.ts';

describe.each(await testBackends())('rope on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

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
