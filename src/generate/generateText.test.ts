import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationConfig } from '../config/generation.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createLm, type LanguageModel } from '../lm/params.ts';
import { openTestBackend } from '../testing/backend.ts';
import { readLmReference } from '../testing/lmReference.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { generateText, type TextPiece, type TextRequest } from './generateText.ts';

const reference = readLmReference('llama-gqa-untied');
const V = reference.config.vocabSize;

/** One letter a token; the LM's vocabulary is too small for a real tokenizer. */
const letters: Tokenizer = {
  encode: (text) => [...text].map((letter) => letter.charCodeAt(0) % V),
  decode: (ids) => ids.map((id) => String.fromCharCode(0x4e00 + id)).join(''),
  applyChatTemplate: (prompt) => [1, ...letters.encode(prompt), 3],
  encodeResponse: (text) => [...letters.encode(text), 2],
  createStreamDecoder: () => ({ push: (id) => String.fromCharCode(0x4e00 + id), end: () => '' }),
  eosTokenIds: [2],
  padTokenId: 0,
  vocabSize: V,
  renderPrompt: (prompt) => prompt,
  chatTemplate: { source: '{{ messages }}', origin: 'model' },
  hasChatTemplate: true,
};

const config: Omit<GenerationConfig, 'seed'> = { maxNewTokens: 30, temperature: 1, topK: 0, topP: 1, batchSize: 4, stopStrings: [] };
const requests: TextRequest[] = Array.from({ length: 6 }, (_, i) => ({ prompt: 'abcdefgh'.slice(0, 1 + i), seed: i }));

describe('text generation', () => {
  let backend: OpenedBackend;
  let lm: LanguageModel;
  beforeAll(async () => {
    backend = await openTestBackend('wasm');
    lm = createLm(reference.config, reference.weights);
  });
  afterAll(async () => {
    lm.dispose();
    await backend.close();
  });

  async function run(changes: Partial<typeof config> = {}): Promise<{ text: string; last: TextPiece }[]> {
    const results = requests.map(() => ({ text: '', last: undefined as unknown as TextPiece }));
    for await (const pieces of generateText(lm, letters, requests, { ...config, ...changes }))
      for (const piece of pieces) {
        expect(results[piece.index]!.last?.finished ?? null).toBeNull(); // nothing comes after the last piece
        results[piece.index]!.text += piece.text;
        results[piece.index]!.last = piece;
      }
    return results;
  }

  it('gives every response whole, with its reason to end and its tokens counted', async () => {
    const results = await run();
    for (const { text, last } of results) {
      expect(last.finished).toBe(last.tokenCount === config.maxNewTokens && text.length === config.maxNewTokens ? 'length' : 'stop');
      expect(text.length).toBe(last.finished === 'stop' ? last.tokenCount - 1 : last.tokenCount);
    }
    expect(new Set(results.map(({ last }) => last.finished))).toEqual(new Set(['stop', 'length']));
  });

  it('ends a response where a stop string begins and goes on with the others', async () => {
    const whole = await run();
    const stop = whole[0]!.text.slice(3, 5);
    const results = await run({ stopStrings: [stop] });
    results.forEach(({ text, last }, i) => {
      const at = whole[i]!.text.indexOf(stop);
      expect(text).toBe(at < 0 ? whole[i]!.text : whole[i]!.text.slice(0, at));
      if (at >= 0) expect(last).toMatchObject({ finished: 'stop', tokenCount: at + stop.length });
    });
  });

  it('gives the same text for the same seeds and another for others', async () => {
    const texts = (await run()).map(({ text }) => text);
    expect((await run({ batchSize: 6 })).map(({ text }) => text)).toEqual(texts);
    expect(new Set(texts).size).toBe(texts.length);
  });
});
