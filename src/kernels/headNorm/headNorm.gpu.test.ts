import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { assertAllClose } from '../../testing/allclose.ts';
import { randomFloats } from '../../testing/arrays.ts';
import { openTestBackend, testBackends } from '../../testing/backend.ts';
import { download } from '../../testing/gpuCase.ts';
import { createSlab, readSlices } from '../../testing/slabs.ts';
import { reduction } from '../../testing/tolerances.ts';
import { type AdapterClass, deviceTraits, setDeviceTraits } from '../deviceTraits.ts';
import { headNormBackward, headNormForward } from './headNorm.cpu.ts';
import { headNorm, headNormGrad, type HeadNormSizes } from './headNorm.ts';

const cases: [string, number, HeadNormSizes][] = [
  ['one of everything', 1, { H: 1, G: 1, K: 1, eps: 1e-6 }],
  ['an odd head size', 5, { H: 3, G: 1, K: 7, eps: 1e-6 }],
  ['heads of 10', 9, { H: 4, G: 2, K: 10, eps: 1e-5 }],
  ['heads of 128', 33, { H: 4, G: 2, K: 128, eps: 1e-6 }],
  ['heads of 256', 17, { H: 4, G: 1, K: 256, eps: 1e-6 }],
  ['many rows', 700, { H: 2, G: 2, K: 20, eps: 1e-6 }],
];

const doubles = (values: Float32Array): Float64Array => Float64Array.from(values);

describe.each(await testBackends())('headNorm on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterAll(() => opened.close());

  it.each(cases)('equals the twin, from a slab and into one, and adds: %s', async (_name, R, sizes) => {
    const { H, G, K } = sizes;
    const size = R * (H + 2 * G) * K;
    const [qkv, gradOut] = [randomFloats(size, 1, 3), randomFloats(size, 2)];
    const [gainQ, gainK, beforeQ, beforeK] = [3, 4, 5, 6].map((seed) => randomFloats(K, seed)) as [Float32Array, Float32Array, Float32Array, Float32Array];
    const params = createSlab([{ shape: [K], data: gainQ }, { shape: [K], data: gainK }]);
    const grads = createSlab([{ shape: [K], data: beforeQ }, { shape: [K], data: beforeK }]);
    const tensors = { qkv: tf.tensor2d(qkv, [R, size / R]), gradOut: tf.tensor2d(gradOut, [R, size / R]) };
    const gains = { gainQ: params.slices[0]!, gainK: params.slices[1]! };
    const inputs = { ...tensors, ...gains, gradGainQ: grads.slices[0]!, gradGainK: grads.slices[1]! };
    const before = tf.memory().numTensors;
    const out = headNorm(tensors.qkv, gains.gainQ, gains.gainK, sizes);
    const gradient = headNormGrad(inputs, sizes);
    const frozen = headNormGrad({ ...inputs, gradGainQ: null, gradGainK: null }, sizes);
    expect(tf.memory().numTensors).toBe(before + 3);
    const [gotOut, gotGradient, gotFrozen, gotGrads] = await download(opened, [out, gradient, frozen, grads.slab]);
    tf.dispose([params.slab, ...Object.values(tensors)]);

    const expected = [new Float64Array(size), new Float64Array(size), new Float64Array(K), new Float64Array(K)] as const;
    headNormForward(doubles(qkv), doubles(gainQ), doubles(gainK), expected[0], sizes);
    headNormBackward(doubles(qkv), doubles(gainQ), doubles(gainK), doubles(gradOut), expected[1], expected[2], expected[3], sizes);
    assertAllClose(gotOut!, expected[0], reduction, 'out');
    assertAllClose(gotGradient!, expected[1], { ...reduction, atol: 1e-4 }, 'gradient of qkv');
    expect(gotFrozen).toEqual(gotGradient);
    const [gotQ, gotK] = readSlices(gotGrads!, grads.slices);
    assertAllClose(gotQ!, expected[2].map((v, i) => beforeQ[i]! + v), { ...reduction, atol: 5e-4 }, 'gradient of the gain of queries');
    assertAllClose(gotK!, expected[3].map((v, i) => beforeK[i]! + v), { ...reduction, atol: 5e-4 }, 'gradient of the gain of keys');
  });

  it.skipIf(backendName !== 'webgpu').each(cases)('gives the same on a GPU, where threads share a head, as on a CPU that plays one: %s', async (_name, R, sizes) => {
    const { device } = tf.backend() as unknown as { device: GPUDevice };
    const traits = deviceTraits();
    const as = (adapterClass: AdapterClass): Promise<Float32Array[]> => {
      setDeviceTraits(device, { ...traits, adapterClass });
      const { H, G, K } = sizes;
      const { slab, slices } = createSlab([{ shape: [K], data: new Float32Array(K) }, { shape: [K], data: new Float32Array(K) }]);
      const rows = (seed: number): tf.Tensor => tf.tensor2d(randomFloats(R * (H + 2 * G) * K, seed), [R, (H + 2 * G) * K]);
      const results = tf.tidy(() => {
        const inputs = { qkv: rows(1), gainQ: tf.tensor1d(randomFloats(K, 2)), gainK: tf.tensor1d(randomFloats(K, 3)) };
        return [headNorm(inputs.qkv, inputs.gainQ, inputs.gainK, sizes), headNormGrad({ ...inputs, gradOut: rows(4), gradGainQ: slices[0]!, gradGainK: slices[1]! }, sizes)];
      });
      return download(opened, [...results, slab]);
    };
    const [alone, shared] = [await as('software'), await as('discrete')];
    setDeviceTraits(device, traits);
    shared.forEach((values, i) => assertAllClose(values, alone[i]!, { ...reduction, atol: 2e-4 }, `result ${i}`));
  });

  it('refuses rows that are not made of these heads', () => {
    const call = (width: number, gain: number) => () => tf.tidy(() => headNorm(tf.zeros([2, width]), tf.zeros([gain]), tf.zeros([4]), { H: 2, G: 1, K: 4, eps: 1e-6 }));
    expect(call(12, 4)).toThrow('expected [any,16]');
    expect(call(16, 8)).toThrow('gainQ has shape [8]');
  });
});
