import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inverseFrequencies } from '../../config/rope.ts';
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

  const sizes: [number, number, number, number, number][] = [[1, 1, 2, 2, 3], [5, 3, 6, 6, 24], [65, 3, 32, 32, 160], [130, 6, 8, 8, 48], [4097, 1, 2, 2, 5], [9, 4, 10, 4, 50], [33, 3, 32, 8, 160], [7, 2, 24, 16, 72], [5, 2, 18, 8, 64], [3, 2, 256, 256, 768]];
  it.each(sizes)('turns the first heads of each row in place and back: R %i, heads %i, K %i of which %i turn, W %i', async (R, heads, K, D, W) => {
    const values = randomFloats(R * W, 1);
    const positions = randomInts(R, 70, 3);
    const { cos, sin } = createRopeTables(70, inverseFrequencies({ theta: 10000, rotaryDim: D, scaling: null }));
    const rotation = { cos, sin, positions: tf.tensor1d(positions, 'int32'), heads, headDim: K, rotaryDim: D };
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
      ropeRotate(turned.slice(), cosines!, sines!, positions.subarray(r, r + 1), turned, heads, K, 1, D);
    }
    assertAllClose(gotThere!, expected, elementwise, 'turned');
    assertAllClose(gotBack!, values, elementwise, 'turned there and back');
    rotation.positions.dispose();
  });

  it('multiplies by the attention factor, and refuses to turn what are no pairs of a head', async () => {
    const rotation = { ...createRopeTables(3, { inverse: Float64Array.of(0, 0), attentionFactor: 1.5 }), positions: tf.tensor1d([2], 'int32'), heads: 1, headDim: 6, rotaryDim: 4 };
    const qkv = tf.tensor2d([[1, 2, 3, 4, 5, 6]]);
    for (const rotaryDim of [3, 0, 8]) expect(() => rotateInPlace(qkv, { ...rotation, rotaryDim }, 1)).toThrow(`${rotaryDim} of a head's 6 values`);
    rotateInPlace(qkv, rotation, 1);
    const [got] = await download(opened, [qkv]);
    expect(Array.from(got!)).toEqual([1.5, 3, 4.5, 6, 5, 6]);
    tf.dispose([rotation.cos, rotation.sin, rotation.positions]);
  });
});
