/** The LM's tests against transformers, the same for every backend; lm.test.ts runs them on WASM, lm.gpu.test.ts on WebGPU. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { generate, type GeneratedToken, type GenerationRequest } from '../generate/generate.ts';
import { gatherRows, scatterRows } from '../kernels/embedding/embedding.ts';
import { headLossBackward, headLossForward } from '../kernels/headLoss/headLoss.ts';
import { unpackSlab } from '../kernels/slabLayout.ts';
import { differentiableForward, forward, lmHead, type TokenBatch } from '../lm/forward.ts';
import { createKvCache } from '../lm/kvCache.ts';
import { cloneLm } from '../lm/cloneLm.ts';
import { assignParams, createLm, readParams, type LanguageModel } from '../lm/params.ts';
import { gradientOf } from '../lm/pass.ts';
import { tokenNll } from '../lm/scoring.ts';
import { lmReferenceNames, readLmReference } from './lmReference.ts';

/** Float32 against float32 in another order of summation; logits here are of size 10. */
const LOGITS_ATOL = 1e-4;
/** Relative to the size of the whole gradient. */
const GRADIENT_RTOL = 1e-3;

const ids = (rows: readonly (readonly number[])[]): TokenBatch => ({ inputIds: Int32Array.from(rows.flat()), B: rows.length, T: rows[0]!.length });

async function logitsOf(lm: LanguageModel, hidden: tf.Tensor): Promise<Float32Array> {
  const logits = lmHead(lm, hidden);
  const values = (await logits.data()) as Float32Array;
  tf.dispose([hidden, logits]);
  return values.slice();
}

function largestDifference(actual: ArrayLike<number>, expected: readonly (readonly number[])[]): number {
  let largest = 0;
  expected.flat().forEach((value, i) => {
    const difference = Math.abs((actual[i] as number) - value);
    if (!(difference <= largest)) largest = difference; // NaN counts as largest
  });
  return largest;
}

/** All tokens of every request. */
export async function collect(tokens: AsyncGenerator<GeneratedToken[]>, count: number): Promise<number[][]> {
  const out: number[][] = Array.from({ length: count }, () => []);
  for await (const position of tokens) for (const { index, tokenId } of position) out[index]!.push(tokenId);
  return out;
}

const greedy = { maxNewTokens: 48, temperature: 0, topK: 0, topP: 1, batchSize: 8, eosTokenIds: [], padTokenId: 0 };

/** @param open opens the backend, which is closed at the end and must be healthy after every test */
export function describeLm(backendName: string, open: () => Promise<OpenedBackend>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  describe.each(lmReferenceNames)(`on ${backendName}, %s`, (name) => {
    const reference = readLmReference(name);
    let lm: LanguageModel;
    beforeAll(() => {
      lm = createLm(reference.config, reference.weights);
    });
    afterAll(() => lm.dispose());

    it('gives the logits of transformers', async () => {
      for (const [row, expected] of reference.inputIds.map((row, i) => [row, reference.logits[i]!] as const)) {
        const input = ids([row]);
        expect(largestDifference(await logitsOf(lm, forward(lm, input)), expected)).toBeLessThan(LOGITS_ATOL);
      }
    });

    it('gives the same logits for a short row padded on the left, and on the right', async () => {
      const [long, short] = reference.inputIds as [number[], number[]];
      const pad = long.length - short.length;
      const padding = new Array<number>(pad).fill(0);
      const V = reference.config.vocabSize;
      for (const side of ['left', 'right'] as const) {
        const input = ids([long, side === 'left' ? [...padding, ...short] : [...short, ...padding]]);
        const logits = await logitsOf(lm, forward(lm, input, side === 'left' ? { start: [0, pad] } : {}));
        const from = (long.length + (side === 'left' ? pad : 0)) * V;
        expect(largestDifference(logits.subarray(0, long.length * V), reference.logits[0]!)).toBeLessThan(LOGITS_ATOL);
        expect(largestDifference(logits.subarray(from, from + short.length * V), reference.logits[1]!)).toBeLessThan(LOGITS_ATOL);
      }
    });

    it('gives the same logits token by token through the KV cache', async () => {
      const row = reference.inputIds[0]!;
      const cache = createKvCache(reference.config, 1, row.length);
      const pieces: number[] = [];
      for (const part of [row.slice(0, 4), ...row.slice(4).map((id) => [id])]) {
        const input = ids([part]);
        pieces.push(...(await logitsOf(lm, forward(lm, input, { kvCache: cache }))));
      }
      cache.dispose();
      expect(largestDifference(pieces, reference.logits[0]!)).toBeLessThan(LOGITS_ATOL);
    });

    it('scores tokens with the losses of PyTorch', async () => {
      const { promptLength, nll, mean } = reference.loss;
      const rows = reference.inputIds.map((inputIds) => ({ inputIds, labels: inputIds.map((id, t) => (t < promptLength ? -100 : id)) }));
      const scored = await tokenNll(lm, [...rows, { inputIds: [3], labels: [-100] }], 2);
      expect(largestDifference(scored[0]!, [nll])).toBeLessThan(LOGITS_ATOL);
      expect(Math.abs(scored[0]!.reduce((a, b) => a + b, 0) / nll.length - mean)).toBeLessThan(LOGITS_ATOL);
      expect(scored[1]).toHaveLength(reference.inputIds[1]!.length - promptLength);
      expect(scored[2]).toHaveLength(0);
    });

    it.each([false, true])('has the gradient of PyTorch for every parameter, with gradient checkpointing: %s', async (gradientCheckpointing) => {
      const { promptLength, mean, probe, gradients: expectedGradients } = reference.loss;
      const row = reference.inputIds[0]!;
      const labels = row.slice(promptLength);
      const before = tf.memory().numTensors;
      const gradients = tf.zeros([lm.trainable!.layout.size]);
      const logProbs = tf.tidy(() => {
        const body = differentiableForward(lm, ids([row.slice(0, -1)]), gradients, { gradientCheckpointing });
        const counted = tf.tensor1d(labels.map((_, i) => promptLength - 1 + i), 'int32');
        const loss = headLossForward({ hidden: gatherRows(body.y, counted), head: lm.head, labels: tf.tensor1d(labels, 'int32') });
        const each = tf.fill([labels.length], -1 / labels.length);
        const gradHidden = headLossBackward(loss, { gradLogProbs: each, gradDistance: null, gradKl: null }, gradientOf(lm, lm.head, gradients));
        body.backward(scatterRows(gradHidden, counted, row.length - 1));
        return tf.mul(loss.logProbs, 1);
      });
      const sum = ((await logProbs.data()) as Float32Array).reduce((a, b) => a + b, 0);
      expect(Math.abs(-sum / labels.length - mean)).toBeLessThan(LOGITS_ATOL);
      const found = unpackSlab(lm.trainable!.layout, (await gradients.data()) as Float32Array);
      expect([...found.keys()].sort()).toEqual(Object.keys(expectedGradients).sort());
      for (const [parameter, expected] of Object.entries(expectedGradients)) {
        const gradient = found.get(parameter)!.data;
        const tolerance = GRADIENT_RTOL * expected.l2;
        let squares = 0;
        let product = 0;
        gradient.forEach((g, i) => {
          squares += g * g;
          product += g * Math.cos(probe * i);
        });
        expect(Math.abs(Math.sqrt(squares) - expected.l2), `${parameter}: size`).toBeLessThan(tolerance);
        expect(Math.abs(product - expected.probe), `${parameter}: direction`).toBeLessThan(tolerance * 3);
        expect(largestDifference(gradient, [expected.first]), `${parameter}: first entries`).toBeLessThan(tolerance);
      }
      tf.dispose([gradients, logProbs]);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('gives the same gradient, bit by bit, with gradient checkpointing', async () => {
      const gradientsOf = async (gradientCheckpointing: boolean): Promise<Float32Array> => {
        const gradients = tf.zeros([lm.trainable!.layout.size]);
        tf.tidy(() => {
          const body = differentiableForward(lm, ids([reference.inputIds[0]!]), gradients, { gradientCheckpointing });
          body.backward(tf.mul(body.y, 0.5));
        });
        const values = Float32Array.from(await gradients.data());
        gradients.dispose();
        return values;
      };
      expect(await gradientsOf(true)).toEqual(await gradientsOf(false));
    });

    it('continues greedily as transformers does, alone and batched', async () => {
      const { prompts, continuations, smallestMargin } = reference.greedy;
      expect(smallestMargin).toBeGreaterThan(10 * LOGITS_ATOL); // else equality would be luck
      const requests = prompts.map((inputIds) => ({ inputIds, seed: 1 }));
      expect(await collect(generate(lm, requests, greedy), 3)).toEqual(continuations);
      expect(await collect(generate(lm, requests, { ...greedy, batchSize: 1 }), 3)).toEqual(continuations);
    });

    it('samples the same tokens whatever runs beside a request', async () => {
      const random = { ...greedy, temperature: 0.9, topP: 0.95, eosTokenIds: [2, 3, 4, 5, 6, 7, 8, 9], maxNewTokens: 24 };
      const requests: GenerationRequest[] = Array.from({ length: 11 }, (_, i) => ({ inputIds: reference.inputIds[0]!.slice(0, 2 + i), seed: 100 + i }));
      const together = await collect(generate(lm, requests, { ...random, batchSize: 11 }), 11);
      expect(new Set(together.map(({ length }) => length)).size).toBeGreaterThan(2); // rows do end at different times
      expect(await collect(generate(lm, requests, { ...random, batchSize: 4 }), 11)).toEqual(together);
      expect(await collect(generate(lm, requests, { ...random, batchSize: 1 }), 11)).toEqual(together);
    });

    it('keeps no tensor after 200 generated tokens, also when stopped early', async () => {
      const before = tf.memory().numTensors;
      const requests = Array.from({ length: 5 }, (_, i) => ({ inputIds: [5, 6, 7 + i], seed: i }));
      const all = await collect(generate(lm, requests, { ...greedy, maxNewTokens: 40, temperature: 1 }), 5);
      expect(all.flat()).toHaveLength(200);
      expect(tf.memory().numTensors).toBe(before);
      const { gpuBytes } = backend.memory();
      await collect(generate(lm, requests, { ...greedy, maxNewTokens: 40, temperature: 1 }), 5);
      expect(backend.memory().gpuBytes).toBe(gpuBytes); // pool included: the same work needs nothing new
      for await (const _ of generate(lm, requests, greedy)) break;
      expect(tf.memory().numTensors).toBe(before);
      const abort = new AbortController();
      const cancelled = (async () => {
        for await (const _ of generate(lm, requests, greedy, abort.signal)) abort.abort();
      })();
      await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
      expect(tf.memory().numTensors).toBe(before);
    });

    it('clones, reads and assigns its parameters without sharing memory', async () => {
      const before = tf.memory().numTensors;
      const clone = await cloneLm(lm);
      const original = await readParams(lm);
      const finalNorm = [...original.keys()].find((parameter) => /norm\.weight$|ln_f\.weight$/.test(parameter))!;
      for (const [parameter, { data }] of await readParams(clone)) expect(data).toEqual(original.get(parameter)!.data);
      assignParams(clone, new Map([...original].map(([parameter, { shape, data }]) => [parameter, { shape, data: data.map((x) => x + 1) }])));
      expect((await readParams(lm)).get(finalNorm)!.data).toEqual(original.get(finalNorm)!.data);
      expect((await readParams(clone)).get(finalNorm)!.data).toEqual(original.get(finalNorm)!.data.map((x) => x + 1));
      clone.dispose();
      expect(tf.memory().numTensors).toBe(before);
    });
  });

  it(`on ${backendName}, lets a cancel arrive while it computes`, async () => {
    const { config, weights, inputIds } = readLmReference('llama-mha-tied');
    const lm = createLm(config, weights);
    const work = [
      (signal: AbortSignal) => collect(generate(lm, [{ inputIds: [5], seed: 0 }], greedy, signal), 1),
      (signal: AbortSignal) => tokenNll(lm, new Array(200).fill({ inputIds: inputIds[0], labels: inputIds[0]!.map((id, t) => (t === 0 ? -100 : id)) }), 1, { signal }),
    ];
    for (const run of work) {
      const abort = new AbortController();
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        abort.abort();
        port1.close();
      };
      port2.postMessage('cancel'); // as the worker's command would: it waits behind the work in the event loop
      await expect(run(abort.signal)).rejects.toMatchObject({ code: 'cancelled' });
    }
    lm.dispose();
  });

  it(`on ${backendName}, refuses what does not fit`, async () => {
    const { config, weights } = readLmReference('llama-mha-tied');
    expect(() => createLm(config, new Map())).toThrow(/"model\.embed_tokens\.weight" is missing/);
    const lm = createLm(config, weights);
    expect(() => forward(lm, ids([new Array<number>(config.maxPositionEmbeddings + 1).fill(0)]))).toThrow(/context of 96/);
    const cache = createKvCache(config, 1, 2);
    const three = ids([[1, 2, 3]]);
    expect(() => forward(lm, three, { kvCache: cache })).toThrow(/do not fit/);
    expect(() => forward(lm, three, { start: [0, 1] })).toThrow(/2 rows/);
    cache.dispose();
    await expect(collect(generate(lm, [{ inputIds: [], seed: 0 }], greedy), 1)).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(collect(generate(lm, [{ inputIds: [config.vocabSize], seed: 0 }], greedy), 1)).rejects.toThrow(/outside its vocabulary of 67/);
    await expect(tokenNll(lm, [{ inputIds: [1, 2], labels: [-100, -1] }], 1)).rejects.toThrow(/outside its vocabulary/);
    await expect(tokenNll(lm, [{ inputIds: [1, 2], labels: [1, 2] }], 1)).rejects.toMatchObject({ code: 'bad-argument' });
    // A context that is full ends a response.
    const prompt = new Array<number>(config.maxPositionEmbeddings - 3).fill(5);
    expect((await collect(generate(lm, [{ inputIds: prompt, seed: 0 }], greedy), 1))[0]).toHaveLength(3);
    const beside = [prompt, [5, 6], [7, 8, 9]].map((inputIds) => ({ inputIds, seed: 0 }));
    expect((await collect(generate(lm, beside, greedy), 3)).map(({ length }) => length)).toEqual([3, 48, 48]);
    lm.dispose();
  });
}
