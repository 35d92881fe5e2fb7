import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { randomFloats, randomInts } from '../../testing/arrays.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { createSlab } from '../../testing/slabs.ts';
import { adamWStep } from '../adamW/adamW.ts';
import { attentionFused, attentionFusedGrad } from '../attention/attentionFused.ts';
import { cachedAttention } from '../attention/cachedAttention.ts';
import { addColumnSums } from '../columnSums/columnSums.ts';
import { addEmbeddingGrad, embedTokens, gatherRows } from '../embedding/embedding.ts';
import { gatedActivation, gatedActivationGrad } from '../gatedActivation/gatedActivation.ts';
import { gelu, geluGrad } from '../gelu/gelu.ts';
import { headNorm, headNormGrad } from '../headNorm/headNorm.ts';
import { layerNorm, layerNormGrad } from '../layerNorm/layerNorm.ts';
import { rmsNorm, rmsNormGrad } from '../rmsNorm/rmsNorm.ts';
import { createRopeTables, rotateInPlace } from '../rope/rope.ts';
import { clipScale } from '../clipScale/clipScale.ts';
import type { WasmHost } from '../wasmHost.ts';
import { openSimd } from './openSimd.ts';

const [R, C] = [37, 70];
const matrix = (columns: number, seed: number): tf.Tensor => tf.tensor2d(randomFloats(R * columns, seed), [R, columns]);
const vector = (size: number, seed: number): tf.Tensor => tf.tensor1d(randomFloats(size, seed));
const ids = (limit: number): tf.Tensor => tf.tensor1d(randomInts(R, limit, 9), 'int32');

/** Every op whose SIMD kernel shares rows, columns or values among chunks; what it returns and what it writes. */
const cases: Record<string, () => tf.Tensor[]> = {
  rmsNorm: () => [rmsNorm(matrix(C, 1), vector(C, 2), 1e-5)],
  rmsNormGrad: () => {
    const { slab, slices } = createSlab([{ shape: [C], data: new Float32Array(C) }]);
    return [rmsNormGrad({ x: matrix(C, 1), weight: vector(C, 2), eps: 1e-5, gradY: matrix(C, 3), residualGrad: matrix(C, 4), gradWeight: slices[0]! }), slab];
  },
  attention: () => {
    const sizes = { B: 3, T: 9, H: 4, G: 2, K: 10, scale: 0.3, window: 5 };
    const [qkv, start] = [tf.tensor2d(randomFloats(27 * 80, 1), [27, 80]), tf.tensor1d([0, 2, 9], 'int32')];
    const saved = attentionFused(qkv, start, sizes);
    const gradQkv = attentionFusedGrad({ qkv, start, ...saved, gradOut: tf.tensor2d(randomFloats(27 * 40, 2), [27, 40]) }, sizes);
    const cache = (seed: number): tf.Tensor => tf.tensor(randomFloats(3 * 12 * 20, seed), [3, 12, 2, 10]);
    return [saved.out, saved.logSumExp, gradQkv, cachedAttention(qkv, cache(3), cache(4), start, 3, sizes)];
  },
  headNorm: () => [headNorm(matrix(7 * 10, 1), vector(10, 2), vector(10, 3), { H: 3, G: 2, K: 10, eps: 1e-5 })],
  headNormGrad: () => {
    const { slab, slices } = createSlab([{ shape: [35], data: new Float32Array(35) }, { shape: [35], data: new Float32Array(35) }]);
    const inputs = { qkv: matrix(4 * 35, 1), gainQ: vector(35, 2), gainK: vector(35, 3), gradOut: matrix(4 * 35, 4), gradGainQ: slices[0]!, gradGainK: slices[1]! };
    return [headNormGrad(inputs, { H: 2, G: 1, K: 35, eps: 1e-5 }), slab];
  },
  layerNorm: () => [layerNorm(matrix(C, 1), vector(C, 2), vector(C, 3), 1e-5)],
  layerNormGrad: () => {
    const { slab, slices } = createSlab([{ shape: [C], data: new Float32Array(C) }, { shape: [C], data: new Float32Array(C) }]);
    return [layerNormGrad({ x: matrix(C, 1), weight: vector(C, 2), eps: 1e-5, gradY: matrix(C, 3), residualGrad: null, gradWeight: slices[0]!, gradBias: slices[1]! }), slab];
  },
  addColumnSums: () => {
    const { slab, slices } = createSlab([{ shape: [C], data: new Float32Array(C) }]);
    addColumnSums(matrix(C, 1), slices[0]!);
    return [slab];
  },
  gelu: () => [gelu(vector(1003, 1), 'none'), gelu(vector(1003, 1), 'tanh')],
  geluGrad: () => [geluGrad(vector(1003, 1), vector(1003, 2), 'none'), geluGrad(vector(1003, 1), vector(1003, 2), 'tanh')],
  gatedActivation: () => (['silu', 'gelu_new', 'gelu'] as const).flatMap((kind) => [gatedActivation(matrix(C, 1), kind), gatedActivationGrad(matrix(C, 1), matrix(C / 2, 2), kind)]),
  rotateInPlace: () => {
    const qkv = matrix(3 * 10, 1);
    rotateInPlace(qkv, { ...createRopeTables(64, { inverse: Float64Array.of(1, 0.3, 0.1, 0.03), attentionFactor: 1 }), positions: ids(64), heads: 2, headDim: 10, rotaryDim: 8 }, 1);
    return [qkv];
  },
  embedTokens: () => [embedTokens(matrix(C, 1), ids(R), { table: matrix(C, 2), positions: ids(R) }), gatherRows(matrix(C, 1), ids(R))],
  addEmbeddingGrad: () => {
    const { slab, slices } = createSlab([{ shape: [5, C], data: new Float32Array(5 * C) }]);
    addEmbeddingGrad(matrix(C, 1), ids(5), slices[0]!);
    return [slab];
  },
  adamWStep: () => {
    const [params, grads, m, v] = [vector(1003, 1), vector(1003, 2), tf.zeros([1003]), tf.zeros([1003])] as const;
    adamWStep({ params, grads, m, v }, { learningRate: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1, step: 1, gradScale: tf.tensor1d([1, 0.5]) });
    return [params, grads, m, v];
  },
  clipScale: () => [clipScale(vector(20_003, 1), tf.tensor1d([1]), tf.zeros([1]), 1, 2)],
};

describe('the number of chunks', () => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
  });
  afterAll(() => opened.close());

  it.each(Object.keys(cases))('changes no bit of %s', (name) => {
    const simd = openSimd(tf.backend() as unknown as WasmHost);
    const { parallel } = simd;
    const results = [1, 2, 5, 64].map((chunks) => {
      simd.parallel = () => chunks;
      return tf.tidy(() => cases[name]!().map((tensor) => Float32Array.from(tensor.dataSync())));
    });
    simd.parallel = parallel;
    expect(results[0]!.some((values) => values.some((value) => value !== 0))).toBe(true);
    for (const result of results.slice(1)) expect(result).toEqual(results[0]);
  });
});
