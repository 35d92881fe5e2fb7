import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { everySetting, randomObjective } from '../testing/randomObjective.ts';
import { semanticLossCpu } from './semanticLoss.cpu.ts';
import { semanticLoss } from './semanticLoss.ts';

let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

describe('the training objective on tensors', () => {
  it.each(everySetting)('has the terms and the gradient of the double-precision reference: $emdObjective, $prefixWeighting, beta $klBeta', async (settings) => {
    for (const seed of [1, 2, 3]) {
      const arrays = randomObjective(seed);
      const { V, D } = arrays;
      const expected = semanticLossCpu(arrays, settings);
      const logits = (z: Float64Array) => tf.tensor2d(Float32Array.from(z), [z.length / V, V]);
      const unsafe = {
        labels: tf.tensor1d(arrays.unsafeLabels, 'int32'),
        rowOffsets: tf.tensor1d(arrays.rowOffsets, 'int32'),
        baseLogProbs: tf.tensor1d(Float32Array.from(arrays.baseLogProbs)),
        baseLogits: settings.klBeta > 0 ? logits(arrays.baseLogits) : null,
        costEmbedding: tf.tensor2d(Float32Array.from(arrays.costEmbedding), [V, D]),
      };
      const benignLabels = tf.tensor1d(arrays.benignLabels, 'int32');
      const loss = (zb: tf.Tensor, zu: tf.Tensor) =>
        semanticLoss({ logits: zb as tf.Tensor2D, labels: benignLabels }, { ...unsafe, logits: zu as tf.Tensor2D }, settings);
      const [zb, zu] = [logits(arrays.benignLogits), logits(arrays.unsafeLogits)];
      const terms = loss(zb, zu);
      for (const name of ['total', 'benign', 'semantic', 'kl', 'meanDistance', 'meanWeight'] as const)
        expect(Math.abs((await terms[name].data())[0]! - expected[name]), name).toBeLessThan(2e-6);
      const gradients = tf.grads((a, b) => loss(a!, b!).total)([zb, zu]);
      for (const [i, reference] of [expected.benignGradient, expected.unsafeGradient].entries())
        (await gradients[i]!.data()).forEach((g, j) => expect(Math.abs(g - reference[j]!)).toBeLessThan(2e-7));
    }
  });
});
