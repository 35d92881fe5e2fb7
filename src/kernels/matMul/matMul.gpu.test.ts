import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { gpuSizes, matMulCases, referenceMatMul } from '../../testing/matMulCases.ts';
import { sumOf } from '../../testing/tolerances.ts';
import { matMul } from './matMul.ts';

describe.skipIf(!(await hasTestGpu()))('matMul on WebGPU', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it('equals a float64 product for every transposition, odd sizes and broadcast batches', async () => {
    for (const { a, b, transposeA, transposeB } of matMulCases(gpuSizes)) {
      const x = randomFloats(tf.util.sizeFromShape(a), 1);
      const y = randomFloats(tf.util.sizeFromShape(b), 2);
      const [out] = await download(opened, tf.tidy(() => matMul(tf.tensor(x, a), tf.tensor(y, b), transposeA, transposeB)));
      assertAllClose(out!, referenceMatMul(x, a, y, b, transposeA, transposeB), sumOf(a.at(transposeA ? -2 : -1)!), `[${a}] x [${b}] ${transposeA} ${transposeB}`);
    }
  });

  it('is right where the stock kernel is wrong: transposed b with a long inner axis and few workgroups', async () => {
    const [x, y] = [randomFloats(64 * 2304, 3), randomFloats(8 * 2304, 4)];
    const [out] = await download(opened, tf.tidy(() => tf.matMul(tf.tensor2d(x, [64, 2304]), tf.tensor2d(y, [8, 2304]), false, true)));
    assertAllClose(out!, referenceMatMul(x, [64, 2304], y, [8, 2304], false, true), sumOf(2304));
  });
});
