/**
 * Continues many prompts together, token by token, with a KV cache. Knows ids only: for text see generateText.ts.
 * What a request gives does not depend on which others run beside it: each has its own random stream.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import { Rng } from '../base/rng.ts';
import type { GenerationConfig } from '../config/generation.ts';
import { gatherRows } from '../kernels/embedding/embedding.ts';
import { forward, lmHead } from '../lm/forward.ts';
import { createKvCache, retireRows, selectRows, type KvCache } from '../lm/kvCache.ts';
import { assertTokenIds, type LanguageModel } from '../lm/params.ts';
import { sampleToken } from './sampling.ts';

export interface GenerationRequest {
  /** The prompt, at least one token. */
  inputIds: readonly number[];
  /** Of this request's own random stream. */
  seed: number;
}

/** What generation needs besides the settings; stop strings are not its matter. */
export type TokenGenerationConfig = Omit<GenerationConfig, 'stopStrings' | 'seed'> & {
  eosTokenIds: readonly number[];
  padTokenId: number;
};

/** One new token of one request. */
export interface GeneratedToken {
  /** Into the requests. */
  index: number;
  tokenId: number;
  /** Set with the last token: 'stop' for an end-of-sequence token (which `tokenId` is), 'length' for the limit. */
  finished: null | 'stop' | 'length';
}

/** A row of the running batch. */
interface Row {
  index: number;
  rng: Rng;
  lastToken: number;
  done: boolean;
  /** Whether the cache knows that it is done. */
  retired: boolean;
}

/** Cache sizes are rounded up to this many slots, so that few buffer sizes and shapes occur. */
const SLOT_STEP = 16;

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason instanceof EngineError ? signal.reason : new EngineError('cancelled', 'Generation was cancelled.');
}

/** Logits of the last position of every row. @returns [B, V], owned by the caller */
async function nextLogits(lm: LanguageModel, kvCache: KvCache, inputIds: Int32Array): Promise<Float32Array> {
  const B = kvCache.batchSize;
  const T = inputIds.length / B;
  const logits = tf.tidy(() => {
    const hidden = forward(lm, { inputIds, B, T }, { kvCache });
    const last = T === 1 ? hidden : gatherRows(hidden, tf.tensor1d(Array.from({ length: B }, (_, b) => (b + 1) * T - 1), 'int32'));
    return lmHead(lm, last);
  });
  try {
    return (await logits.data()) as Float32Array;
  } finally {
    logits.dispose();
  }
}

/** Decodes one batch to its end. */
async function* generateBatch(
  lm: LanguageModel,
  requests: readonly GenerationRequest[],
  firstIndex: number,
  config: TokenGenerationConfig,
  signal: AbortSignal | undefined,
  ended: ReadonlySet<number> | undefined,
): AsyncGenerator<GeneratedToken[], void, void> {
  const { vocabSize: V, maxPositionEmbeddings } = lm.config;
  const eos = new Set(config.eosTokenIds);
  const promptLength = Math.max(...requests.map(({ inputIds }) => inputIds.length));
  const padded = new Int32Array(requests.length * promptLength).fill(config.padTokenId);
  const start = requests.map(({ inputIds }, b) => {
    padded.set(inputIds, (b + 1) * promptLength - inputIds.length);
    return promptLength - inputIds.length;
  });
  // Requests as long as the context allows end early; the last new token is never fed back.
  const capacity = Math.ceil((promptLength + config.maxNewTokens - 1) / SLOT_STEP) * SLOT_STEP;
  let kvCache = createKvCache(lm.config, requests.length, capacity, start);
  let rows: Row[] = requests.map(({ seed }, b) => ({ index: firstIndex + b, rng: new Rng(seed), lastToken: 0, done: false, retired: false }));
  let inputIds = padded;
  try {
    for (let position = 0; position < config.maxNewTokens; position++) {
      throwIfAborted(signal);
      const logits = await nextLogits(lm, kvCache, inputIds);
      await nextMacrotask(); // WASM computes synchronously: a cancel could not arrive otherwise
      throwIfAborted(signal);
      const tokens: GeneratedToken[] = [];
      rows.forEach((row, b) => {
        if (row.done) return;
        const tokenId = sampleToken(logits.subarray(b * V, (b + 1) * V), config, row.rng);
        const length = (requests[row.index - firstIndex] as GenerationRequest).inputIds.length + position + 1;
        const finished = eos.has(tokenId) ? 'stop' : position + 1 === config.maxNewTokens || length >= maxPositionEmbeddings ? 'length' : null;
        row.lastToken = tokenId;
        row.done = finished !== null;
        tokens.push({ index: row.index, tokenId, finished });
      });
      yield tokens;
      for (const row of rows) if (ended?.has(row.index)) row.done = true;
      const running = rows.filter(({ done }) => !done).length;
      if (running === 0) return;
      // Halving keeps the number of different shapes small; the rows that stay move up.
      if (running <= rows.length / 2) {
        const kept = rows.flatMap((row, b) => (row.done ? [] : [b]));
        const smaller = selectRows(kvCache, kept);
        kvCache.dispose();
        kvCache = smaller;
        rows = kept.map((b) => rows[b] as Row);
      } else {
        const finished = rows.flatMap((row, b) => (row.done && !row.retired ? [b] : []));
        if (finished.length > 0) retireRows(kvCache, finished);
        for (const b of finished) (rows[b] as Row).retired = true;
      }
      inputIds = Int32Array.from(rows, ({ done, lastToken }) => (done ? config.padTokenId : lastToken));
    }
  } finally {
    kvCache.dispose();
  }
}

/**
 * Batches of `config.batchSize` requests, one after the other, each left-padded and decoded to its end.
 * @param requests borrowed until the generator ends
 * @param signal ends with EngineError cancelled between two tokens
 * @param ended indices of requests that the caller declares finished (stop strings); may grow between two yields
 * @yields one array per decoded position: the new token of every request that is still running
 * @throws EngineError bad-argument for an empty prompt, one that fills the context or an id outside the vocabulary; cancelled
 */
export async function* generate(
  lm: LanguageModel,
  requests: readonly GenerationRequest[],
  config: TokenGenerationConfig,
  signal?: AbortSignal,
  ended?: ReadonlySet<number>,
): AsyncGenerator<GeneratedToken[], void, void> {
  requests.forEach(({ inputIds }, index) => {
    if (inputIds.length === 0) throw new EngineError('bad-argument', `generate: request ${index} has an empty prompt.`);
    assertTokenIds(lm.config, inputIds);
    if (inputIds.length >= lm.config.maxPositionEmbeddings)
      throw new EngineError('bad-argument', `generate: the prompt of request ${index} has ${inputIds.length} tokens; the LM's context holds ${lm.config.maxPositionEmbeddings}, response included.`);
  });
  for (let from = 0; from < requests.length; from += config.batchSize)
    yield* generateBatch(lm, requests.slice(from, from + config.batchSize), from, config, signal, ended);
}
