import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import { defaultTrainConfig } from '../config/train.ts';
import type { TrainingPair } from '../records/run.ts';
import { collate, createBatch, drawFromDeck, drawRows } from './batches.ts';
import { encodeTrainingData, spreadOverIntents, type TrainingTokenizer } from './encodeTrainingData.ts';

/** One token a character; 1 starts the prompt, 2 starts the answer, 3 ends it. */
const tokenizer: TrainingTokenizer = {
  applyChatTemplate: (prompt) => [1, ...[...prompt].map((c) => c.charCodeAt(0)), 2],
  encodeResponse: (text) => [...[...text].map((c) => c.charCodeAt(0)), 3],
  vocabSize: 128,
};
const pairs = (n: number, prefix: string, intents = n): TrainingPair[] =>
  Array.from({ length: n }, (_, i) => ({ prompt: `${prefix}${i}`, response: `answer ${i}`, intent: `${prefix}-${i % intents}` }));
const data = { unsafe: pairs(12, 'u', 4), everyday: pairs(10, 'e'), borderline: pairs(6, 'b') };
const message = (run: () => unknown) => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown.message;
    throw thrown;
  }
  throw new Error('nothing was thrown');
};

describe('encoding training data', () => {
  it('keeps prompt and response apart and ends with the end-of-sequence token', () => {
    const encoded = encodeTrainingData({ ...data, everyday: [{ prompt: 'hi', response: 'ok' }] }, tokenizer, defaultTrainConfig);
    expect([...encoded.everyday[0]!.tokenIds]).toEqual([1, 104, 105, 2, 111, 107, 3]);
    expect(encoded.everyday[0]!.promptLength).toBe(4);
  });

  it('refuses an empty response, a row longer than maxLength and a token outside the vocabulary, naming the row', () => {
    const withRow = (row: TrainingPair, length = 128) => () =>
      encodeTrainingData({ ...data, borderline: [...data.borderline, row] }, tokenizer, { ...defaultTrainConfig, maxLength: length });
    expect(message(withRow({ prompt: 'p', response: ' ' }))).toMatch(/borderline row 7.*response is empty/);
    expect(message(withRow({ prompt: 'p'.repeat(30), response: 'r' }, 20))).toMatch(/borderline row 7.*34 tokens \(prompt 32, response 2\).*maxLength 20/);
    expect(message(withRow({ prompt: 'p', response: '\u{7fff}' }))).toMatch(/borderline row 7.*not in the vocabulary of 128/);
  });

  it('accepts a row of exactly maxLength', () => {
    const row = { prompt: 'abc', response: 'xyz' };
    expect(() => encodeTrainingData({ unsafe: [row], everyday: [row], borderline: [] }, tokenizer, { ...defaultTrainConfig, maxLength: 9 })).not.toThrow();
    expect(message(() => encodeTrainingData({ unsafe: [row], everyday: [row], borderline: [] }, tokenizer, { ...defaultTrainConfig, maxLength: 8 }))).toMatch(/9 tokens/);
  });

  it('says which set is missing', () => {
    expect(message(() => encodeTrainingData({ ...data, unsafe: [] }, tokenizer, defaultTrainConfig))).toMatch(/no unsafe responses/);
    expect(message(() => encodeTrainingData({ ...data, everyday: [], borderline: [] }, tokenizer, defaultTrainConfig))).toMatch(/no benign rows/);
    expect(encodeTrainingData({ ...data, unsafe: [] }, tokenizer, { ...defaultTrainConfig, semanticLambda: 0 }).unsafe).toEqual([]);
  });

  it('chooses unsafe samples by seed and takes every intent once before any twice', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 7 }), (seed, count, intents) => {
        const from = pairs(20, 'u', intents);
        const chosen = spreadOverIntents(from, count, new Rng(seed));
        expect(chosen).toHaveLength(Math.min(count, 20));
        expect(new Set(chosen).size).toBe(chosen.length);
        expect(spreadOverIntents(from, count, new Rng(seed))).toEqual(chosen);
        const counts = new Map<string, number>();
        for (const c of chosen) counts.set(c.intent!, (counts.get(c.intent!) ?? 0) + 1);
        if (count > 0) expect(counts.size).toBe(Math.min(intents, count));
        if (20 % intents === 0 && counts.size > 0) expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
      }),
    );
    const names = (seed: number) => spreadOverIntents(data.unsafe, 4, new Rng(seed)).map((p) => p.prompt).join();
    expect(new Set(Array.from({ length: 10 }, (_, seed) => names(seed))).size).toBeGreaterThan(5);
  });
});

describe('micro-batches', () => {
  const encoded = encodeTrainingData(data, tokenizer, { ...defaultTrainConfig, unsafeSamples: 5 });

  it('use every row of a set once before any row twice, in an order that the seed decides', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 1000 }), (n, count, seed) => {
        const all = drawFromDeck(n, 0, count + 7, new Rng(seed));
        for (let i = 0; i + n <= all.length; i += n) expect(new Set(all.slice(i, i + n)).size).toBe(n);
        expect(drawFromDeck(n, 5, count, new Rng(seed))).toEqual(all.slice(5, 5 + count));
      }),
    );
    expect(drawFromDeck(20, 0, 20, new Rng(1))).not.toEqual(drawFromDeck(20, 0, 20, new Rng(2)));
  });

  it.each([0, 0.1, 0.5, 0.3, 1])('hold a borderline share of %d over the run', (borderlineShare) => {
    const config = { seed: 3, benignPerStep: 4, borderlineShare, unsafePerStep: 2 };
    let borderline = 0;
    for (let i = 0; i < 50; i++) {
      const drawn = drawRows(encoded, config, i);
      expect(drawn.everyday.length + drawn.borderline.length).toBe(4);
      expect(drawn.unsafe).toHaveLength(2);
      borderline += drawn.borderline.length;
    }
    expect(borderline).toBe(Math.round(200 * borderlineShare));
  });

  it('fill the place of a benign set that has no rows', () => {
    const config = { seed: 3, benignPerStep: 4, borderlineShare: 0.5, unsafePerStep: 0 };
    expect(drawRows({ ...encoded, borderline: [] }, config, 0).everyday).toHaveLength(4);
    expect(drawRows({ ...encoded, everyday: [] }, config, 0).borderline).toHaveLength(4);
  });

  it('point at the position before each response token, and at no prompt or padding', () => {
    const batch = createBatch(encoded, { seed: 1, benignPerStep: 3, borderlineShare: 0.34, unsafePerStep: 4 }, 2);
    expect(batch.B).toBe(7);
    expect(batch.unsafeRows).toHaveLength(4);
    let tokens = 0;
    for (const [part, firstRow] of [[batch.benign, 0], [batch.unsafe, 3]] as const)
      for (let r = 0; r + 1 < part.rowOffsets.length; r++) {
        const ids = part.labels.subarray(part.rowOffsets[r]!, part.rowOffsets[r + 1]!);
        const text = String.fromCharCode(...ids.subarray(0, -1));
        expect(text).toMatch(/^answer \d+$/);
        expect(ids.at(-1)).toBe(3);
        const row = batch.inputIds.subarray((firstRow + r) * batch.T, (firstRow + r + 1) * batch.T);
        part.positions.subarray(part.rowOffsets[r]!, part.rowOffsets[r + 1]!).forEach((position, i) => {
          const t = position - (firstRow + r) * batch.T;
          expect(row[t]).toBe(i === 0 ? 2 : ids[i - 1]);
        });
        tokens += row.filter((id) => id !== 0).length;
      }
    expect(batch.tokens).toBe(tokens);
  });

  it('are padded to their longest row only', () => {
    const row = (length: number) => ({ tokenIds: Int32Array.from({ length }, () => 7), promptLength: 2 });
    expect(collate([row(5)], [row(9)], [0])).toMatchObject({ B: 2, T: 8, tokens: 12 });
    expect(message(() => collate([], [], []))).toMatch(/at least one row/);
  });
});
