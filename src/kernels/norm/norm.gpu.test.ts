import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { hasTestGpu, openTestBackend } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { createSlab } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { type AdapterClass, deviceTraits, setDeviceTraits } from '../deviceTraits.ts';
import { layerNorm, layerNormGrad } from '../layerNorm/layerNorm.ts';
import { rmsNorm, rmsNormGrad } from '../rmsNorm/rmsNorm.ts';

/** Everything that the norms return and write. */
function results(R: number, C: number): tf.Tensor[] {
  const matrix = (seed: number): tf.Tensor => tf.tensor2d(randomFloats(R * C, seed), [R, C]);
  const [x, gradY, residualGrad, weight, bias] = [matrix(1), matrix(2), matrix(3), tf.tensor1d(randomFloats(C, 4)), tf.tensor1d(randomFloats(C, 5))];
  const zeros = { shape: [C], data: new Float32Array(C) };
  const { slab, slices } = createSlab([zeros, zeros, zeros]);
  const common = { x, weight, eps: 0.01, gradY, residualGrad };
  return [
    rmsNorm(x, weight, 0.01),
    rmsNormGrad({ ...common, gradWeight: slices[0]! }),
    layerNorm(x, weight, bias, 0.01),
    layerNormGrad({ ...common, gradWeight: slices[1]!, gradBias: slices[2]! }),
    slab,
  ];
}

describe.skipIf(!(await hasTestGpu()))('norms on WebGPU', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('webgpu');
  });
  afterAll(() => opened.close());

  it.each([[1, 1], [3, 64], [65, 63], [257, 128], [8, 772], [40, 1028], [4097, 3]])('give the same on a GPU, where threads share a row, as on a CPU that plays one: %i rows of %i', async (R, C) => {
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const traits = deviceTraits();
    const as = (adapterClass: AdapterClass): Promise<Float32Array[]> => {
      setDeviceTraits(device, { ...traits, adapterClass });
      return download(opened, tf.tidy(() => results(R, C)));
    };
    const [alone, shared] = [await as('software'), await as('discrete')];
    setDeviceTraits(device, traits);
    shared.forEach((values, i) => assertAllClose(values, alone[i]!, { ...reduction, atol: 2e-4 }, `result ${i}`));
    expect(shared.some((values, i) => values.some((value, j) => value !== alone[i]![j])) || R * C < 200).toBe(true);
  });
});
