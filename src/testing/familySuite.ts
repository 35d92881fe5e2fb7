/**
 * Every model family against transformers, the same on every backend; families.test.ts runs it on WASM, families.gpu.test.ts on WebGPU. Not for
 * what the engine does the same for every family (lmSuite.ts).
 */
import { appendFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fromStoredForms, toStoredForm } from '../config/storedForm.ts';
import { defaultTrainConfig } from '../config/train.ts';
import { collate } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { writeHfFolder } from '../export/hfFolder.ts';
import { generate } from '../generate/generate.ts';
import { unpackSlab } from '../kernels/slabLayout.ts';
import { forward, lmHead, type TokenBatch } from '../lm/forward.ts';
import { createKvCache } from '../lm/kvCache.ts';
import { loadLm } from '../lm/loadLm.ts';
import { createLm, type LanguageModel, readParams, trainableOf } from '../lm/params.ts';
import { tokenNll } from '../lm/scoring.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import { BaseReference } from '../train/baseReference.ts';
import { addGradients, termNames } from '../train/gradients.ts';
import { lmReferenceNames, partOfGradient, readLmReference, readLmReferenceSources, tunedWeights } from './lmReference.ts';
import { collect } from './lmSuite.ts';

/** Float32 against float32 in another order of summation, for logits up to 25; more for larger ones, which no fixture has. */
const LOGITS_ATOL = 1e-4;
/** Relative to the largest value of a parameter's gradient, or of its products with the signs. */
const GRADIENT_RTOL = 1e-3;

const sampling = { temperature: 0, topK: 0, topP: 1, batchSize: 8, eosTokenIds: [], padTokenId: 0 };

const batchOf = (rows: readonly (readonly number[])[]): TokenBatch => ({ inputIds: Int32Array.from(rows.flat()), B: rows.length, T: rows[0]!.length });

async function logitsOf(lm: LanguageModel, hidden: tf.Tensor): Promise<Float32Array> {
  const logits = lmHead(lm, hidden);
  const values = Float32Array.from(await logits.data());
  tf.dispose([hidden, logits]);
  return values;
}

/** NaN counts as largest. */
function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** @param open opens the backend, which is closed at the end and must be healthy after every test */
export function describeFamilies(backendName: string, open: () => Promise<OpenedBackend>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  describe.each(lmReferenceNames)(`on ${backendName}, %s`, (name) => {
    const reference = readLmReference(name);
    const { config, inputIds } = reference;
    const V = config.vocabSize;
    const tolerance = LOGITS_ATOL * Math.max(1, Math.max(...reference.logits.map((row) => row.reduce((most, value) => Math.max(most, Math.abs(value)), 0))) / 25);
    const greedy = { ...sampling, maxNewTokens: reference.greedy.continuations[0]!.length };
    const measured = { logits: 0, nll: 0, gradients: 0, packed: 0 };
    let lm: LanguageModel;
    beforeAll(() => {
      lm = createLm(config, reference.weights);
    });
    afterAll(() => {
      lm.dispose();
      // For the table of docs/models.md.
      const path = process.env['SIDESTEP_MEASURED'];
      if (path) appendFileSync(path, `${JSON.stringify({ backend: backendName, name, ...measured })}\n`);
    });
    const expectLogits = (actual: Float32Array, row: number): void => {
      measured.logits = Math.max(measured.logits, largestDifference(actual, reference.logits[row]!));
      expect(largestDifference(actual, reference.logits[row]!)).toBeLessThan(tolerance);
    };

    it('gives the logits of transformers, alone and padded on either side', async () => {
      for (const [i, row] of inputIds.entries()) expectLogits(await logitsOf(lm, forward(lm, batchOf([row]))), i);
      const [long, short] = inputIds as [number[], number[]];
      const pad = long.length - short.length;
      const padding = new Array<number>(pad).fill(0);
      for (const side of ['left', 'right'] as const) {
        const batch = batchOf([long, side === 'left' ? [...padding, ...short] : [...short, ...padding]]);
        const logits = await logitsOf(lm, forward(lm, batch, side === 'left' ? { start: [0, pad] } : {}));
        const from = (long.length + (side === 'left' ? pad : 0)) * V;
        expectLogits(logits.subarray(0, long.length * V), 0);
        expectLogits(logits.subarray(from, from + short.length * V), 1);
      }
    });

    it('gives the same logits token by token through the KV cache', async () => {
      const row = inputIds[0]!;
      const cache = createKvCache(config, 1, row.length);
      const pieces: number[] = [];
      for (const part of [row.slice(0, 4), ...row.slice(4).map((id) => [id])]) pieces.push(...(await logitsOf(lm, forward(lm, batchOf([part]), { kvCache: cache }))));
      cache.dispose();
      expectLogits(Float32Array.from(pieces), 0);
    });

    it('continues greedily as transformers does, alone and batched', async () => {
      const { prompts, continuations, smallestMargin } = reference.greedy;
      expect(smallestMargin).toBeGreaterThan(10 * tolerance); // else equality would be luck
      const requests = prompts.map((inputIds) => ({ inputIds, seed: 1 }));
      expect(await collect(generate(lm, requests, greedy), 3)).toEqual(continuations);
      expect(await collect(generate(lm, requests.slice(0, 1), greedy), 1)).toEqual(continuations.slice(0, 1));
    });

    it('scores tokens with the losses of PyTorch', async () => {
      const { promptLength, nll } = reference.loss;
      const [scored] = await tokenNll(lm, [{ inputIds: inputIds[0]!, labels: inputIds[0]!.map((id, t) => (t < promptLength ? -100 : id)) }], 1);
      measured.nll = largestDifference(scored!, nll);
      expect(measured.nll).toBeLessThan(tolerance);
    });

    it.each([false, true])('has the gradient of the semantic objective for every parameter, with gradient checkpointing: %s', async (gradientCheckpointing) => {
      const { settings, terms: expectedTerms, rows, gradients: expected } = reference.objective;
      const train = { ...defaultTrainConfig, borderlineShare: 0.5, ...settings, gradientCheckpointing };
      const tuned = createLm(config, tunedWeights(reference));
      const frozen = await BaseReference.create(lm, rows, train);
      const { layout } = trainableOf(tuned);
      const slab = tf.zeros([layout.size]);
      const terms = addGradients(tuned, frozen, collate([...rows.everyday, ...rows.borderline], rows.unsafe, [0, 1, 2]), train, slab);
      const values = await terms.data();
      termNames.forEach((term, i) => expect(Math.abs(values[i]! - expectedTerms[term]), term).toBeLessThan(1e-4));
      const gradients = unpackSlab(layout, (await slab.data()) as Float32Array);
      tf.dispose([slab, terms]);
      frozen.dispose();
      tuned.dispose();
      expect([...gradients.keys()].sort()).toEqual([...expected.keys()].sort());
      for (const [parameter, parts] of expected)
        for (const { part, expected: values } of parts) {
          const found = partOfGradient(config, parameter, gradients.get(parameter)!, part);
          const error = largestDifference(found, values) / values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          measured.gradients = Math.max(measured.gradients, error);
          expect(error, `${parameter}, ${part}`).toBeLessThan(GRADIENT_RTOL);
        }
    });

    it('streams in from its files, and gives the same logits where weights stay packed as they are stored', async () => {
      const sources = await readLmReferenceSources(name);
      const before = tf.memory().numTensors;
      for (const trainable of [true, false]) {
        const loaded = await loadLm(config, sources, { trainable });
        const dtype = sources.get([...sources.keys()][0]!)!.dtype;
        const packs = !trainable && dtype !== 'F32' && config.hiddenSize % 2 === 0;
        expect(loaded.storage).toBe(packs ? dtype.toLowerCase() : 'f32');
        const difference = largestDifference(await logitsOf(loaded, forward(loaded, batchOf([inputIds[0]!]))), reference.logits[0]!);
        if (packs) measured.packed = Math.max(measured.packed, difference);
        expect(difference).toBeLessThan(tolerance);
        if (packs) expect(await collect(generate(loaded, [{ inputIds: reference.greedy.prompts[1]!, seed: 1 }], greedy), 1)).toEqual([reference.greedy.continuations[1]]);
        loaded.dispose();
      }
      expect(tf.memory().numTensors).toBe(before);
    });

    it('is written as it was read', async () => {
      const params = await readParams(lm);
      const card = { name: 'same', base: { name, fingerprint: '0' }, run: null, step: null, measured: [] };
      const folder = { config, otherFiles: new Map([['config.json', new Uint8Array([123, 125])]]), card: null };
      const file = writeHfFolder(folder, params, card, 'F32').find(({ path }) => path === 'model.safetensors')!;
      const back = parseSafetensors(file.bytes);
      expect([...back.keys()].sort()).toEqual([...reference.stored.keys()].sort());
      for (const [parameter, { shape, data }] of back) {
        const original = reference.stored.get(parameter)!;
        expect(shape).toEqual(original.shape);
        // Gemma's gains lose the last bits of w in 1 + w.
        const rounding = toStoredForm(config, parameter, new Float32Array(data.length)).some((value) => value !== 0) ? 1.2e-7 : 0;
        expect(largestDifference(data, original.data), parameter).toBeLessThanOrEqual(rounding);
      }
      expect(fromStoredForms(config, back)).toEqual(new Map([...params].map(([parameter, { shape, data }]) => [parameter, { shape, data }])));
    });
  });
}
