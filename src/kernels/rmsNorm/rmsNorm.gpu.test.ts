import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { rmsNormBackward, rmsNormForward } from './rmsNorm.cpu.ts';
import { rmsNorm, rmsNormGrad } from './rmsNorm.ts';

describe.each(await testBackends())('rmsNorm on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 64], [65, 63], [257, 128], [8, 772], [4097, 3]])('equals the twin, from a slab and into one, and adds: %i rows of %i', async (R, C) => {
    const [x, gradY, residualGrad] = [randomFloats(R * C, 1, 3), randomFloats(R * C, 2), randomFloats(R * C, 3)];
    const [weight, before] = [randomFloats(C, 4), randomFloats(C, 5)];
    const params = createSlab([{ shape: [C], data: weight }]);
    const grads = createSlab([{ shape: [C], data: before }]);
    const tensors = { x: tf.tensor2d(x, [R, C]), gradY: tf.tensor2d(gradY, [R, C]), residualGrad: tf.tensor2d(residualGrad, [R, C]) };
    const into = { weight: params.slices[0]!, eps: 1e-5, gradWeight: grads.slices[0]! };
    const y = rmsNorm(tensors.x, into.weight, 1e-5);
    const withResidual = rmsNormGrad({ ...tensors, ...into });
    const without = rmsNormGrad({ ...tensors, ...into, residualGrad: null });
    const frozen = rmsNormGrad({ ...tensors, ...into, gradWeight: null });
    const [gotY, gotWith, gotWithout, gotFrozen, gotGrads] = await download(opened, [y, withResidual, without, frozen, grads.slab]);

    const [x64, weight64] = [Float64Array.from(x), Float64Array.from(weight)];
    const expected = [new Float64Array(R * C), new Float64Array(R * C), new Float64Array(C)] as const;
    rmsNormForward(x64, weight64, expected[0], C, 1e-5);
    rmsNormBackward(x64, weight64, Float64Array.from(gradY), Float64Array.from(residualGrad), expected[1], expected[2], C, 1e-5);
    assertAllClose(gotY!, expected[0], reduction, 'y');
    assertAllClose(gotWith!, expected[1], { ...reduction, atol: 1e-4 }, 'gradient of x, with the residual');
    assertAllClose(gotWithout!, expected[1].map((v, i) => v - residualGrad[i]!), { ...reduction, atol: 1e-4 }, 'gradient of x');
    expect(gotFrozen).toEqual(gotWith);
    const [gradWeight] = readSlices(gotGrads!, grads.slices);
    assertAllClose(gradWeight!, expected[2].map((v, i) => before[i]! + 2 * v), { ...reduction, atol: 5e-4 }, 'gradient of weight, twice');
    tf.dispose([params.slab, ...Object.values(tensors)]);
  });
});
