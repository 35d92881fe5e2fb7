/**
 * Continues many prompts together, token by token, with a KV cache. Knows ids only: for text see generateText.ts.
 * What a request gives does not depend on which others run beside it: each has its own random stream.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import { Rng } from '../base/rng.ts';
import { rowsOfCache } from '../config/fitBytes.ts';
import type { GenerationConfig } from '../config/generation.ts';
import { compilePipelines } from '../kernels/compilePipelines.ts';
import { gatherRows } from '../kernels/embedding/embedding.ts';
import { sampleTokens } from '../kernels/sampling/sampling.ts';
import { forward, lmHead } from '../lm/forward.ts';
import { admitRows, createKvCache, dropSlots, retireRows, selectRows, type KvCache } from '../lm/kvCache.ts';
import { assertTokenIds, type LanguageModel } from '../lm/params.ts';

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

/** A request in a row of the running batch. */
interface Row {
  index: number;
  rng: Rng;
  lastToken: number;
  tokenCount: number;
  done: boolean;
  /** Whether the cache knows that it is done. */
  retired: boolean;
}

/** Cache sizes are rounded up to this many slots, so that few buffer sizes and shapes occur. */
const SLOT_STEP = 16;

/** Slots beyond what a request can fill, where rows begin at different times: so seldom do all have to move to the front. */
const SPARE_SLOTS = 64;

/** Messages are let in after this much work: a cancel arrives soon, and pauses cost next to nothing. */
const PAUSE_AFTER_MS = 5;

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw signal.reason instanceof EngineError ? signal.reason : new EngineError('cancelled', 'Generation was cancelled.');
}

/** One run of `generate`. */
class Decoding {
  private kvCache: KvCache;
  private rows: Row[] = [];
  private waiting = 0;
  private readonly eos: ReadonlySet<number>;

  constructor(
    private readonly lm: LanguageModel,
    private readonly requests: readonly GenerationRequest[],
    private readonly config: TokenGenerationConfig,
  ) {
    this.eos = new Set(config.eosTokenIds);
    const longest = Math.max(...requests.map(({ inputIds }) => inputIds.length));
    // Requests as long as the context allows end early; the last new token is never fed back.
    const slotsFor = (spare: number): number => Math.ceil((longest + config.maxNewTokens - 1 + spare) / SLOT_STEP) * SLOT_STEP;
    const width = Math.min(requests.length, rowsOfCache(lm.config, config.batchSize, slotsFor(SPARE_SLOTS)));
    const capacity = slotsFor(requests.length > width ? SPARE_SLOTS : 0);
    this.kvCache = createKvCache(lm.config, width, capacity);
    this.kvCache.length = longest;
  }

  dispose(): void {
    this.kvCache.dispose();
  }

  /** The next token of some rows: of new ones if enough can begin, else of all that run. @returns an empty list at the end */
  async step(): Promise<GeneratedToken[]> {
    const running = this.rows.filter(({ done }) => !done).length;
    const free = this.kvCache.batchSize - running;
    const left = this.requests.length - this.waiting;
    // A few at a time: prompts are read faster together.
    if (left > 0 && (running === 0 || free >= Math.min(left, Math.ceil(this.kvCache.batchSize / 8)))) return this.begin(Math.min(left, free));
    if (running === 0) return [];
    if (left === 0) this.shrink(running);
    return this.goOn();
  }

  /** Marks requests that the caller declares finished. */
  end(indices: ReadonlySet<number>): void {
    for (const row of this.rows) if (indices.has(row.index)) row.done = true;
  }

  private begin(count: number): Promise<GeneratedToken[]> {
    const places: number[] = [];
    for (let place = 0; places.length < count; place++) if (!this.rows[place] || this.rows[place]!.done) places.push(place);
    const begun = places.map((place, i): Row => {
      const index = this.waiting + i;
      return (this.rows[place] = { index, rng: new Rng(this.requests[index]!.seed), lastToken: 0, tokenCount: 0, done: false, retired: false });
    });
    this.waiting += count;
    const prompts = begun.map(({ index }) => this.requests[index]!.inputIds);
    const T = Math.max(...prompts.map(({ length }) => length));
    const inputIds = new Int32Array(count * T).fill(this.config.padTokenId);
    prompts.forEach((prompt, b) => inputIds.set(prompt, (b + 1) * T - prompt.length));
    admitRows(this.kvCache, places, prompts.map(({ length }) => length));
    return this.sample(begun, () => {
      const start = prompts.map(({ length }) => T - length);
      const hidden = forward(this.lm, { inputIds, B: count, T }, { kvCache: this.kvCache, cacheRows: places, start });
      return gatherRows(hidden, tf.tensor1d(prompts.map((_, b) => (b + 1) * T - 1), 'int32'));
    });
  }

  private goOn(): Promise<GeneratedToken[]> {
    const { kvCache, rows } = this;
    const finished = rows.flatMap((row, b) => (row.done && !row.retired ? [b] : []));
    if (finished.length > 0) retireRows(kvCache, finished);
    for (const b of finished) rows[b]!.retired = true;
    if (kvCache.length === kvCache.capacity) this.moveToFront();
    const inputIds = Int32Array.from(rows, ({ done, lastToken }) => (done ? this.config.padTokenId : lastToken));
    return this.sample(rows, () => forward(this.lm, { inputIds, B: rows.length, T: 1 }, { kvCache }));
  }

  /** Drops slots that no row needs any more; prompts still to come need room before the next slot. */
  private moveToFront(): void {
    const { kvCache, rows } = this;
    const oldest = Math.min(...rows.map(({ done }, b) => (done ? Infinity : kvCache.startSlots[b]!)));
    const prompts = this.requests.slice(this.waiting).map(({ inputIds }) => inputIds.length);
    dropSlots(kvCache, Math.min(oldest, kvCache.length - Math.max(0, ...prompts)));
  }

  /** Halving keeps the number of different shapes small; the rows that stay move up. */
  private shrink(running: number): void {
    if (running > this.rows.length / 2) return;
    const kept = this.rows.flatMap((row, b) => (row.done ? [] : [b]));
    const smaller = selectRows(this.kvCache, kept);
    this.kvCache.dispose();
    this.kvCache = smaller;
    this.rows = kept.map((b) => this.rows[b]!);
  }

  /** @param hiddenOf [rows, C], called in a tidy: hidden states that the next token of each row is drawn from */
  private async sample(rows: readonly Row[], hiddenOf: () => tf.Tensor): Promise<GeneratedToken[]> {
    const greedy = this.config.temperature === 0;
    const uniforms = Float32Array.from(rows, ({ rng, done }) => (greedy || done ? 0 : rng.next()));
    const ids = tf.tidy(() => sampleTokens(lmHead(this.lm, hiddenOf()), this.config, tf.tensor1d(uniforms)));
    const tokenIds = await ids.data();
    ids.dispose();
    return rows.flatMap((row, b) => {
      if (row.done) return [];
      const tokenId = tokenIds[b]!;
      if (tokenId < 0) throw new EngineError('internal', 'The LM gave logits that are not numbers. Its weights have diverged: train with a lower learning rate.');
      row.tokenCount += 1;
      const length = this.requests[row.index]!.inputIds.length + row.tokenCount;
      const finished = this.eos.has(tokenId) ? 'stop' : row.tokenCount === this.config.maxNewTokens || length >= this.lm.config.maxPositionEmbeddings ? 'length' : null;
      row.lastToken = tokenId;
      row.done = finished !== null;
      return [{ index: row.index, tokenId, finished }];
    });
  }
}

/** What the first two tokens of every request take on the GPU, for a dry run. */
async function rehearse(lm: LanguageModel, requests: readonly GenerationRequest[], config: TokenGenerationConfig): Promise<void> {
  // Nothing ends a request here: tokens of a dry run mean nothing.
  const decoding = new Decoding(lm, requests.slice(0, config.batchSize), { ...config, eosTokenIds: [] });
  try {
    await decoding.step();
    await decoding.step();
  } finally {
    decoding.dispose();
  }
}

/**
 * Decodes up to `config.batchSize` requests together; where one ends, the next that waits begins.
 * @param requests borrowed until the generator ends
 * @param signal ends with EngineError cancelled between two tokens
 * @param ended indices of requests that the caller declares finished (stop strings); may grow between two yields
 * @yields the next token of some of the requests that are running
 * @throws EngineError bad-argument for an empty prompt, one that fills the context or an id outside the vocabulary; cancelled; internal for an
 * LM whose logits are not numbers
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
  if (requests.length === 0) return;
  await compilePipelines(() => rehearse(lm, requests, config));
  const decoding = new Decoding(lm, requests, config);
  try {
    let pausedAtMs = performance.now();
    for (;;) {
      throwIfAborted(signal);
      const tokens = await decoding.step();
      if (performance.now() - pausedAtMs > PAUSE_AFTER_MS) {
        await nextMacrotask(); // WASM computes synchronously: a cancel could not arrive otherwise
        pausedAtMs = performance.now();
      }
      throwIfAborted(signal);
      if (tokens.length === 0) return;
      yield tokens;
      if (ended) decoding.end(ended);
    }
  } finally {
    decoding.dispose();
  }
}
