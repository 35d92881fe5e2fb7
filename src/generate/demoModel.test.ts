import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { forward, lmHead } from '../lm/forward.ts';
import { createLm, type LanguageModel } from '../lm/params.ts';
import { filesSource } from '../loader/folderSource.ts';
import { openModelFolder, type ModelFolder } from '../loader/modelFolder.ts';
import { readTensors } from '../loader/storedTensor.ts';
import { openTestBackend } from '../testing/backend.ts';
import { createTokenizer, type Tokenizer } from '../tokenizer/tokenizer.ts';
import { generateText } from './generateText.ts';

interface Fixture {
  fingerprint: string;
  smallestMargin: number;
  answers: { prompt: string; ids: number[]; lastLogits: number[]; continuation: number[]; text: string }[];
}
const fixture = JSON.parse(readFileSync(new URL('../testing/reference/demo-lm.json', import.meta.url), 'utf8')) as Fixture;
const demo = new URL('../../public/models/demo/', import.meta.url);

const fingerprint = createHash('sha256').update(readFileSync(new URL('model.safetensors', demo))).digest('hex');
const isCurrent = fingerprint === fixture.fingerprint;

describe('the shipped demo LM', () => {
  let backend: OpenedBackend;
  let folder: ModelFolder;
  let lm: LanguageModel;
  let tokenizer: Tokenizer;
  beforeAll(async () => {
    backend = await openTestBackend('wasm');
    folder = await openModelFolder(filesSource(readdirSync(demo).map((path) => ({ path, bytes: new Uint8Array(readFileSync(new URL(path, demo))) }))));
    tokenizer = createTokenizer({ ...folder, eosTokenIds: folder.config.eosTokenIds });
    lm = createLm(folder.config, await readTensors(folder.tensors));
  });
  afterAll(async () => {
    lm.dispose();
    await backend.close();
  });

  it('is the one that the reference values were made with', () => {
    expect(isCurrent, 'the demo LM has changed: run tools/reference/make.py and commit what it writes').toBe(true);
    expect(folder.fingerprint).toBe(fingerprint);
    expect(tokenizer.vocabSize).toBeLessThanOrEqual(folder.config.vocabSize);
  });

  // Of other weights these values would say nothing; the test above fails then.
  it.runIf(isCurrent)('gives the logits of transformers within 1e-3', async () => {
    for (const { prompt, ids, lastLogits } of fixture.answers) {
      expect(tokenizer.applyChatTemplate(prompt)).toEqual(ids);
      const logits = tf.tidy(() => lmHead(lm, tf.slice(forward(lm, { inputIds: Int32Array.from(ids), B: 1, T: ids.length }), [ids.length - 1, 0], [1, -1])));
      const values = await logits.data();
      logits.dispose();
      lastLogits.forEach((expected, i) => expect(Math.abs(values[i]! - expected)).toBeLessThan(1e-3));
    }
  });

  it.runIf(isCurrent)('answers as transformers does, all prompts in one batch', async () => {
    const texts = fixture.answers.map(() => '');
    const requests = fixture.answers.map(({ prompt }) => ({ prompt, seed: 0 }));
    const config = { maxNewTokens: 48, temperature: 0, topK: 0, topP: 1, batchSize: 8, stopStrings: [] };
    for await (const pieces of generateText(lm, tokenizer, requests, config)) for (const { index, text } of pieces) texts[index] += text;
    expect(texts).toEqual(fixture.answers.map(({ text }) => text));
  });
});
