import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultTrainConfig } from '../config/train.ts';
import { collate } from '../data/batches.ts';
import { registerKernels } from '../kernels/registerKernels.ts';
import { createLm, type LanguageModel } from '../lm/params.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { BaseReference } from './baseReference.ts';
import { computeGradients, termNames } from './gradients.ts';

const reference = loadTrainReference();
let base: LanguageModel;
let tuned: LanguageModel;
beforeAll(async () => {
  registerKernels('cpu');
  await tf.setBackend('cpu');
  base = createLm(reference.config, reference.base);
  tuned = createLm(reference.config, reference.tuned);
});
afterAll(() => {
  base.dispose();
  tuned.dispose();
});

/** Largest difference over the largest true value. */
function relativeError(actual: Float32Array, expected: Float32Array): number {
  const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-6);
  return actual.reduce((max, v, i) => Math.max(max, Math.abs(v - expected[i]!)), 0) / scale;
}

describe('loss terms and parameter gradients of a llama', () => {
  it.each(reference.cases.map((c) => [`${c.settings.emdObjective}, ${c.settings.prefixWeighting}, beta ${c.settings.klBeta}`, c] as const))(
    'are those of PyTorch: %s',
    async (_title, { settings, terms: expected, gradients: expectedGradients }) => {
      const config = { ...defaultTrainConfig, ...settings };
      const { rows } = reference;
      const batch = collate([...rows.everyday, ...rows.borderline], rows.unsafe, [0, 1, 2]);
      const before = tf.memory().numTensors;
      const frozen = await BaseReference.create(base, rows, config);
      const { gradients, terms } = computeGradients(tuned, frozen, batch, config);
      const values = await terms.data();
      termNames.forEach((name, i) => expect(Math.abs(values[i]! - expected[name]), name).toBeLessThan(1e-4));
      expect([...gradients.keys()].sort()).toEqual([...expectedGradients.keys()].sort());
      for (const [name, { data }] of expectedGradients)
        expect(relativeError((await gradients.get(name)!.data()) as Float32Array, data), name).toBeLessThan(1e-4);
      tf.dispose([...gradients.values(), terms]);
      frozen.dispose();
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});
