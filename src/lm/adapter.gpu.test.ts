import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { loraModules, loraNames } from '../config/loraModules.ts';
import { fromStoredForm } from '../config/storedForm.ts';
import { defaultTrainConfig } from '../config/train.ts';
import { collate } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { unpackSlab } from '../kernels/slabLayout.ts';
import { openTestBackend, testBackends } from '../testing/backend.ts';
import { type PeftReference, peftReferenceNames, readPeftReference } from '../testing/peftReference.ts';
import { BaseReference } from '../train/baseReference.ts';
import { addGradients, termNames } from '../train/gradients.ts';
import { train } from '../train/trainer.ts';
import { createAdapter, withAdapter, withDropout } from './adapter.ts';
import type { LanguageModel } from './params.ts';
import { readLogits } from './readLogits.ts';

const largestDifference = (actual: ArrayLike<number>, expected: ArrayLike<number>): number => Array.from(expected, (value, i) => Math.abs(value - actual[i]!)).reduce((a, b) => (a >= b ? a : b), 0);
const largest = (values: ArrayLike<number>): number => Array.from(values, Math.abs).reduce((a, b) => (a >= b ? a : b), 0);

describe.each(await testBackends())('an adapter made by peft, on %s', (backendName) => {
  let opened: OpenedBackend;
  beforeAll(async () => {
    opened = await openTestBackend(backendName);
  });
  afterEach(() => opened.assertHealthy());
  afterAll(() => opened.close());

  describe.each(peftReferenceNames)('%s', (name) => {
    let reference: PeftReference;
    let base: LanguageModel;
    beforeAll(async () => {
      reference = await readPeftReference(name);
      base = await reference.loadBase(false);
    });
    afterAll(() => base.dispose());

    const tuned = (changes: { strength?: number; loraDropout?: number } = {}): LanguageModel => {
      const { config, tensors } = reference.adapter;
      return withAdapter(base, createAdapter(reference.config, { ...config, loraDropout: changes.loraDropout ?? 0 }, tensors, changes.strength));
    };
    /** Values of a file by name, in the form of the LM. */
    const asHeld = (values: Map<string, Float32Array>): Map<string, Float32Array> =>
      new Map(loraModules(reference.config).flatMap(({ path, weight }) => {
        const { a, b } = loraNames(path);
        return values.has(a) ? [[a, values.get(a)!], [b, fromStoredForm(reference.config, weight, values.get(b)!)]] as const : [];
      }));

    it('gives the logits of peft, and those of the base without it', async () => {
      const before = tf.memory().numTensors;
      const lm = tuned();
      const [none, logits, without] = [tuned({ strength: 0 }), await readLogits(lm, reference.inputIds), await readLogits(base, reference.inputIds)];
      const atZero = await readLogits(none, reference.inputIds);
      reference.logits.forEach((expected, i) => {
        expect(largestDifference(logits[i]!, expected)).toBeLessThan(1e-4);
        expect(largestDifference(without[i]!, reference.baseLogits[i]!)).toBeLessThan(1e-4);
        expect(atZero[i], 'strength 0').toEqual(without[i]);
        expect(largestDifference(expected, reference.baseLogits[i]!), 'the adapter counts').toBeGreaterThan(0.05);
      });
      lm.dispose();
      none.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });

    it.each([false, true])('has the gradients that torch computes, checkpointed: %s', async (gradientCheckpointing) => {
      const config = { ...defaultTrainConfig, borderlineShare: 0.5, ...reference.settings, gradientCheckpointing };
      const { rows } = reference;
      const lm = tuned();
      const before = tf.memory().numTensors;
      const frozen = await BaseReference.create(base, rows, config);
      const batch = collate([...rows.everyday, ...rows.borderline], rows.unsafe, [0, 1, 2]);
      const slab = tf.zeros([lm.trainable!.layout.size]);
      const terms = addGradients(lm, frozen, batch, config, slab);
      const values = await terms.data();
      termNames.forEach((term, i) => expect(Math.abs(values[i]! - reference.steps[0]![term]), term).toBeLessThan(1e-3 * Math.max(0.1, Math.abs(reference.steps[0]![term]))));
      const gradients = unpackSlab(lm.trainable!.layout, (await slab.data()) as Float32Array);
      const expected = asHeld(reference.gradients);
      expect([...gradients.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [matrix, { data }] of gradients) expect(largestDifference(data, expected.get(matrix)!), matrix).toBeLessThan(1e-3 * largest(expected.get(matrix)!));
      tf.dispose([slab, terms]);
      frozen.dispose();
      expect(tf.memory().numTensors).toBe(before);
      lm.dispose();
    });

    it('is where torch is after three steps of AdamW, weight decay on all of it, and the base has not moved', async () => {
      const config = { ...defaultTrainConfig, borderlineShare: 0.5, ...reference.settings, ...reference.run, benignPerStep: 4, unsafePerStep: 3, trainingMethod: 'lora' as const, lora: reference.adapter.config };
      const lm = tuned();
      const steps = train({ lm, base, rows: reference.rows, config });
      for (const expected of reference.steps) {
        const { value, done } = await steps.next();
        if (done) throw new Error('training ended early');
        expect(Math.abs(value.gradNorm - expected.gradNorm), `norm of step ${value.step}`).toBeLessThan(1e-3 * expected.gradNorm);
      }
      const end = await steps.next();
      if (!end.done) throw new Error('training took too many steps');
      for (const [matrix, expected] of asHeld(reference.trained)) expect(largestDifference(end.value.params.get(matrix)!.data, expected), matrix).toBeLessThan(1e-4);
      const after = await readLogits(base, reference.inputIds);
      reference.baseLogits.forEach((expected, i) => expect(largestDifference(after[i]!, expected)).toBeLessThan(1e-4));
      lm.dispose();
    });

    it('drops inputs in training only: the same ones for the same seed, checkpointed or not, and the loss is what its gradient says', async () => {
      const { rows } = reference;
      const lm = tuned({ loraDropout: 0.4 });
      const plain = tuned();
      const logits = await readLogits(lm, reference.inputIds);
      expect(logits).toEqual(await readLogits(plain, reference.inputIds));
      plain.dispose();
      const batch = collate([...rows.everyday, ...rows.borderline], [], []);
      const settings = { ...defaultTrainConfig, semanticLambda: 0 };
      const frozen = await BaseReference.create(base, { ...rows, unsafe: [] }, settings);
      const slab = lm.trainable!.slab;
      const measure = async (seed: number, gradientCheckpointing: boolean): Promise<{ loss: number; gradient: Float32Array }> => {
        const gradients = tf.zeros([slab.size]);
        const terms = addGradients(withDropout(lm, seed), frozen, batch, { ...settings, gradientCheckpointing }, gradients);
        const measured = { loss: (await terms.data())[0]!, gradient: (await gradients.data()) as Float32Array };
        tf.dispose([gradients, terms]);
        return measured;
      };
      const first = await measure(5, false);
      expect((await measure(5, true)).gradient).toEqual(first.gradient);
      expect((await measure(6, false)).loss).not.toBe(first.loss);
      // Along the gradient, where the float32 loss moves most.
      const values = (await slab.data()).slice() as Float32Array;
      const norm = Math.hypot(...first.gradient);
      const step = 2e-2 / norm;
      const at = async (t: number): Promise<number> => {
        tf.tidy(() => slab.assign(tf.tensor1d(values.map((value, i) => value + (t * first.gradient[i]!) / norm))));
        return (await measure(5, false)).loss;
      };
      const slope = ((await at(step)) - (await at(-step))) / (2 * step);
      expect(Math.abs(slope - norm)).toBeLessThan(0.01 * norm);
      frozen.dispose();
      lm.dispose();
    });
  });
});
