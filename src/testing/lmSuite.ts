/**
 * What the engine does the same for every family, on a few of them; lm.test.ts runs it on WASM, lm.gpu.test.ts on WebGPU. Not for the numbers of
 * transformers (familySuite.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { generate, type GeneratedToken, type GenerationRequest } from '../generate/generate.ts';
import { differentiableForward, forward, type TokenBatch } from '../lm/forward.ts';
import { createKvCache } from '../lm/kvCache.ts';
import { cloneLm } from '../lm/cloneLm.ts';
import { assignParams, createLm, readParams, type LanguageModel } from '../lm/params.ts';
import { tokenNll } from '../lm/scoring.ts';
import { readLmReference } from './lmReference.ts';

/** Plain, with learned positions, with both halves side by side, with everything. */
const NAMES = ['llama-gqa-untied', 'gpt2-untied-gelu', 'gpt_neox-parallel', 'gemma3_text-linear'];

const ids = (rows: readonly (readonly number[])[]): TokenBatch => ({ inputIds: Int32Array.from(rows.flat()), B: rows.length, T: rows[0]!.length });

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

  describe.each(NAMES)(`on ${backendName}, %s`, (name) => {
    const reference = readLmReference(name);
    let lm: LanguageModel;
    beforeAll(() => {
      lm = createLm(reference.config, reference.weights);
    });
    afterAll(() => lm.dispose());

    it('scores rows of any length in one batch', async () => {
      const rows = reference.inputIds.map((inputIds) => ({ inputIds, labels: inputIds.map((id, t) => (t < 5 ? -100 : id)) }));
      const scored = await tokenNll(lm, [...rows, { inputIds: [3], labels: [-100] }], 2);
      expect(scored.map(({ length }) => length)).toEqual([...reference.inputIds.map(({ length }) => length - 5), 0]);
      scored[0]!.forEach((nll, i) => expect(Math.abs(nll - reference.loss.nll[i]!)).toBeLessThan(1e-4));
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
