/**
 * Turns prompts and answers into token ids to train on. Only response tokens count in the loss: the prompt, with
 * its chat template, is context. Not for drawing batches (see batches.ts).
 */
import { EngineError } from '../base/errors.ts';
import { Rng } from '../base/rng.ts';
import type { TrainConfig } from '../config/train.ts';
import type { TrainingData, TrainingPair } from '../records/run.ts';

/** What encoding needs of a tokenizer. */
export interface TrainingTokenizer {
  /** Prompt in the chat template, up to and with the start of the answer. */
  applyChatTemplate(prompt: string): number[];
  /** Answer and end-of-sequence token. */
  encodeResponse(text: string): number[];
  vocabSize: number;
}

/** One row: a prompt and the response tokens to learn or to move away from. */
export interface EncodedRow {
  /** Prompt ids, then response ids with the end-of-sequence token. */
  tokenIds: Int32Array;
  /** How many of them are the prompt, at least 1. */
  promptLength: number;
}

/** All rows of a run. `unsafe` is already the sample that the run uses. */
export interface EncodedTrainingData {
  unsafe: EncodedRow[];
  everyday: EncodedRow[];
  borderline: EncodedRow[];
}

/**
 * Chooses at most `count` pairs, spread over intents: one of each intent in turn, in seeded random order.
 * Pairs without an intent count as one intent per prompt.
 */
export function spreadOverIntents(pairs: readonly TrainingPair[], count: number, rng: Rng): TrainingPair[] {
  const groups = new Map<string, TrainingPair[]>();
  for (const pair of pairs) {
    const key = pair.intent === undefined ? `prompt:${pair.prompt}` : `intent:${pair.intent}`;
    const group = groups.get(key);
    if (group) group.push(pair);
    else groups.set(key, [pair]);
  }
  const queues = rng.shuffle([...groups.values()]).map((group) => rng.shuffle(group));
  const chosen: TrainingPair[] = [];
  for (let turn = 0; chosen.length < Math.min(count, pairs.length); turn++)
    for (const queue of queues) {
      const pair = queue[turn];
      if (pair !== undefined && chosen.length < count) chosen.push(pair);
    }
  return chosen;
}

function encodeRow(pair: TrainingPair, where: string, tokenizer: TrainingTokenizer, maxLength: number): EncodedRow {
  const start = pair.prompt.slice(0, 60);
  const refuse = (why: string) => new EngineError('bad-argument', `Training data, ${where} ("${start}"): ${why}`);
  if (pair.response.trim() === '') throw refuse('the response is empty, so there is nothing to train on. Remove the row or give it a response.');
  const prompt = tokenizer.applyChatTemplate(pair.prompt);
  const response = tokenizer.encodeResponse(pair.response);
  if (prompt.length === 0) throw refuse('the prompt has no tokens. Give it some text.');
  if (response.length === 0) throw refuse('the response has 0 trainable tokens. Remove the row or give it a response.');
  const length = prompt.length + response.length;
  if (length > maxLength)
    throw refuse(`${length} tokens (prompt ${prompt.length}, response ${response.length}) are more than maxLength ${maxLength}. Raise maxLength or shorten the row.`);
  const tokenIds = Int32Array.from([...prompt, ...response]);
  const bad = tokenIds.findIndex((id) => id < 0 || id >= tokenizer.vocabSize);
  if (bad >= 0) throw refuse(`token ${tokenIds[bad]} at position ${bad} is not in the vocabulary of ${tokenizer.vocabSize}.`);
  return { tokenIds, promptLength: prompt.length };
}

/**
 * Encodes the rows that a run uses. The unsafe ones are first cut to `unsafeSamples`, by seed.
 * @throws EngineError bad-argument naming the row that is empty, too long or not encodable, or the set that is missing
 */
export function encodeTrainingData(
  data: TrainingData,
  tokenizer: TrainingTokenizer,
  config: Pick<TrainConfig, 'seed' | 'maxLength' | 'unsafeSamples' | 'unsafePerStep' | 'benignPerStep' | 'semanticLambda'>,
): EncodedTrainingData {
  const usesUnsafe = config.semanticLambda > 0 && config.unsafePerStep > 0 && config.unsafeSamples > 0;
  if (usesUnsafe && data.unsafe.length === 0)
    throw new EngineError('bad-argument', 'Training data: there are no unsafe responses to move away from. Label some responses unsafe, or set semanticLambda to 0.');
  if (config.benignPerStep > 0 && data.everyday.length + data.borderline.length === 0)
    throw new EngineError('bad-argument', 'Training data: there are no benign rows. Add everyday or borderline prompts with answers, or set benignPerStep to 0.');
  if (config.benignPerStep === 0 && !usesUnsafe)
    throw new EngineError('bad-argument', 'Training data: neither benign nor unsafe rows are used, so there is nothing to train on.');
  const encode = (set: string, pairs: readonly TrainingPair[]) =>
    pairs.map((pair, i) => encodeRow(pair, `${set} row ${i + 1}`, tokenizer, config.maxLength));
  const unsafe = usesUnsafe ? spreadOverIntents(data.unsafe, config.unsafeSamples, new Rng(config.seed).fork('unsafe-samples')) : [];
  return {
    unsafe: unsafe.map((pair) => encodeRow(pair, `unsafe row ${data.unsafe.indexOf(pair) + 1}`, tokenizer, config.maxLength)),
    everyday: config.benignPerStep > 0 ? encode('everyday', data.everyday) : [],
    borderline: config.benignPerStep > 0 ? encode('borderline', data.borderline) : [],
  };
}
