import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { layerNormBackward, layerNormForward } from './layerNorm.cpu.ts';
import { layerNorm, layerNormGrad } from './layerNorm.ts';

/** Large, so that rows of three nearly equal values do not blow up float32 rounding. */
const eps = 0.01;

const float64 = (values: Float32Array): Float64Array => Float64Array.from(values);

describe.each(await testBackends())('layerNorm on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 64], [65, 63], [257, 128], [8, 772], [4097, 3]])('equals the twin, from a slab and into one, and adds: %i rows of %i', async (R, C) => {
    const [x, gradY, residualGrad] = [randomFloats(R * C, 1, 3).map((v) => v + 2), randomFloats(R * C, 2), randomFloats(R * C, 3)];
    const [weight, bias, before] = [randomFloats(C, 4), randomFloats(C, 5), randomFloats(2 * C, 6)];
    const params = createSlab([{ shape: [C], data: weight }, { shape: [C], data: bias }]);
    const grads = createSlab([{ shape: [C], data: before.subarray(0, C) }, { shape: [C], data: before.subarray(C) }]);
    const tensors = { x: tf.tensor2d(x, [R, C]), gradY: tf.tensor2d(gradY, [R, C]), residualGrad: tf.tensor2d(residualGrad, [R, C]) };
    const y = layerNorm(tensors.x, params.slices[0]!, params.slices[1]!, eps);
    const into = { weight: params.slices[0]!, eps, gradWeight: grads.slices[0]!, gradBias: grads.slices[1]! };
    const withResidual = layerNormGrad({ ...tensors, ...into });
    const without = layerNormGrad({ ...tensors, ...into, residualGrad: null });
    const frozen = layerNormGrad({ ...tensors, ...into, gradWeight: null, gradBias: null });
    const [gotY, gotWith, gotWithout, gotFrozen, gotGrads] = await download(opened, [y, withResidual, without, frozen, grads.slab]);

    const expectedY = new Float64Array(R * C);
    layerNormForward(float64(x), float64(weight), float64(bias), expectedY, C, eps);
    assertAllClose(gotY!, expectedY, reduction, 'y');
    const expected = [new Float64Array(R * C), new Float64Array(C), new Float64Array(C)] as const;
    layerNormBackward({ x: float64(x), weight: float64(weight), gradY: float64(gradY), residualGrad: float64(residualGrad) }, ...expected, C, eps);
    const tolerance = { ...reduction, atol: 1e-4 };
    assertAllClose(gotWith!, expected[0], tolerance, 'gradient of x, with the residual');
    assertAllClose(gotWithout!, expected[0].map((v, i) => v - residualGrad[i]!), tolerance, 'gradient of x');
    expect(gotFrozen).toEqual(gotWith);
    const [gradWeight, gradBias] = readSlices(gotGrads!, grads.slices);
    assertAllClose(gradWeight!, expected[1].map((v, i) => before[i]! + 2 * v), { ...reduction, atol: 5e-4 }, 'gradient of weight, twice');
    assertAllClose(gradBias!, expected[2].map((v, i) => before[C + i]! + 2 * v), { ...reduction, atol: 5e-4 }, 'gradient of bias, twice');
    tf.dispose([params.slab, ...Object.values(tensors)]);
  });

  it('leaves no tensors behind', async () => {
    const [x, weight, bias] = [tf.ones([4, 8]), tf.ones([8]), tf.zeros([8])];
    const { slab, slices } = createSlab([{ shape: [8], data: new Float32Array(8) }, { shape: [8], data: new Float32Array(8) }]);
    const before = tf.memory().numTensors;
    layerNormGrad({ x, weight, eps: 1e-5, gradY: x, residualGrad: x, gradWeight: slices[0]!, gradBias: slices[1]! }).dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => layerNormGrad({ x, weight, eps: 1e-5, gradY: x, residualGrad: null, gradWeight: slices[0]!, gradBias: null })).toThrow('or neither');
    expect(() => layerNorm(x, tf.ones([7]), bias, 1e-5)).toThrow('weight has shape [7], expected [8]');
    tf.dispose([x, weight, bias, slab]);
    await opened.assertHealthy();
  });
});
