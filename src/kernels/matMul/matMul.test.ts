import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { matMulCases, referenceMatMul } from '../../testing/matMulCases.ts';
import { reduction, sumOf } from '../../testing/tolerances.ts';
import { linear, matMul, matMulShapes } from './matMul.ts';

describe('matMul on WASM', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it('equals a float64 product for every transposition, odd sizes and broadcast batches', async () => {
    for (const { a, b, transposeA, transposeB } of matMulCases()) {
      const x = randomFloats(tf.util.sizeFromShape(a), 1);
      const y = randomFloats(tf.util.sizeFromShape(b), 2);
      const out = tf.tidy(() => matMul(tf.tensor(x, a), tf.tensor(y, b), transposeA, transposeB));
      const what = `[${a}] x [${b}] ${transposeA} ${transposeB}`;
      expect(out.shape, what).toEqual([...matMulShapes(a, b, transposeA, transposeB).batchShape, ...out.shape.slice(-2)]);
      assertAllClose(await out.data(), referenceMatMul(x, a, y, b, transposeA, transposeB), sumOf(a.at(transposeA ? -2 : -1)!), what);
      out.dispose();
    }
  });

  it('keeps working when the heap grows between and during products', async () => {
    const kept: tf.Tensor[] = [];
    for (let i = 0; i < 12; i++) {
      kept.push(tf.fill([1 << 20], i));
      const out = tf.tidy(() => matMul(tf.ones([300 + i, 70]), tf.ones([130, 70]), false, true));
      expect((await out.data()).every((v) => v === 70)).toBe(true);
      out.dispose();
    }
    expect((await kept[3]!.data())[7]).toBe(3);
    tf.dispose(kept);
  });

  it('has gradients for every transposition and for a broadcast batch', async () => {
    const weights = tf.tensor(randomFloats(2 * 3 * 5, 3), [2, 3, 5]);
    for (const [transposeA, transposeB] of [[false, false], [false, true], [true, false], [true, true]] as const) {
      const aShape = transposeA ? [4, 3] : [3, 4];
      const bShape = transposeB ? [2, 5, 4] : [2, 4, 5];
      const a = tf.tensor(randomFloats(12, 4), aShape);
      const b = tf.tensor(randomFloats(40, 5), bShape);
      const grads = tf.grads((x, y) => tf.sum(tf.mul(matMul(x!, y!, transposeA, transposeB), weights)))([a, b]);
      // The same gradients from products of explicit copies.
      const A = (transposeA ? tf.transpose(a) : a) as tf.Tensor2D;
      const B = transposeB ? tf.transpose(b, [0, 2, 1]) : b;
      const gradA = tf.sum(tf.matMul(weights, tf.transpose(B, [0, 2, 1])), 0);
      const gradB = tf.matMul(tf.tile(tf.reshape(tf.transpose(A), [1, 4, 3]), [2, 1, 1]), weights);
      assertAllClose(await grads[0]!.data(), await (transposeA ? tf.transpose(gradA) : gradA).data(), reduction, 'gradient of a');
      assertAllClose(await grads[1]!.data(), await (transposeB ? tf.transpose(gradB, [0, 2, 1]) : gradB).data(), reduction, 'gradient of b');
    }
  });

  it('linear is x times the transposed weight over the last axis', async () => {
    const x = tf.tensor(randomFloats(2 * 3 * 4, 6), [2, 3, 4]);
    const weight = tf.tensor(randomFloats(5 * 4, 7), [5, 4]);
    const y = linear(x, weight);
    expect(y.shape).toEqual([2, 3, 5]);
    assertAllClose(await y.data(), referenceMatMul(x.dataSync() as Float32Array, [6, 4], weight.dataSync() as Float32Array, [5, 4], false, true), reduction);
  });

  it('refuses operands that do not fit, naming both shapes', () => {
    expect(() => matMul(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow('[2,3] times [4,5]');
    expect(() => linear(tf.ones([2, 3]), tf.ones([5, 4]))).toThrow('expected [any,3]');
  });
});
