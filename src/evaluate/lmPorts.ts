/** What an evaluation needs of a language model: generating and scoring. An interface, so that evaluation itself holds no tensors and can be tested with a stub. */
import type { GenerationConfig } from '../config/generation.ts';

/** The parts of a tokenizer that evaluation uses. */
export interface EvaluationTokenizer {
  /** Ids of a user turn, with the prompt for the answer. */
  applyChatTemplate(prompt: string): number[];
  /** Ids of an answer with the end-of-sequence token. */
  encodeResponse(text: string): number[];
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string;
  readonly eosTokenIds: readonly number[];
  readonly padTokenId: number;
}

/** One token of one answer. */
export interface GeneratedToken {
  index: number;
  tokenId: number;
  finished: null | 'stop' | 'length';
}

/** A model as far as evaluation knows it. */
export interface EvaluatedLm {
  config: { maxPositionEmbeddings: number };
}

/** Generation and scoring for one kind of model; `src/generate/generate.ts` and `src/lm/scoring.ts` fit. */
export interface LmPorts<Lm extends EvaluatedLm> {
  generate(
    lm: Lm,
    requests: { inputIds: number[]; seed: number }[],
    config: GenerationConfig & { eosTokenIds: number[]; padTokenId: number },
    signal?: AbortSignal,
  ): AsyncIterable<GeneratedToken[]>;
  /** Negative log-likelihood, nats, of the tokens of each row whose label is not -100 (labels[t] = token at t). */
  tokenNll(lm: Lm, rows: { inputIds: number[]; labels: number[] }[], batchSize: number, options?: { signal?: AbortSignal }): Promise<ArrayLike<number>[]>;
}

/** An answer as it came out. */
export interface Answer {
  promptIds: number[];
  /** Tokens of the answer, the one that ended it included. */
  tokenIds: number[];
  text: string;
  finished: 'stop' | 'length';
}

/** A chat prompt as token ids and the seed of its random stream. */
export interface AnswerRequest {
  promptIds: number[];
  seed: number;
}

/**
 * Answers all requests, in their order.
 * Yields the number of finished answers whenever it grows; ends early by throwing what the signal makes `generate` throw.
 */
export async function* answerAll<Lm extends EvaluatedLm>(
  ports: LmPorts<Lm>,
  lm: Lm,
  tokenizer: EvaluationTokenizer,
  requests: readonly AnswerRequest[],
  config: GenerationConfig,
  signal?: AbortSignal,
): AsyncGenerator<number, Answer[]> {
  const answers: Answer[] = requests.map(({ promptIds }) => ({ promptIds, tokenIds: [], text: '', finished: 'length' }));
  if (requests.length === 0) return answers;
  const inputs = requests.map(({ promptIds, seed }) => ({ inputIds: promptIds, seed }));
  let done = 0;
  for await (const tokens of ports.generate(lm, inputs, { ...config, eosTokenIds: [...tokenizer.eosTokenIds], padTokenId: tokenizer.padTokenId }, signal)) {
    const before = done;
    for (const { index, tokenId, finished } of tokens) {
      const answer = answers[index] as Answer;
      answer.tokenIds.push(tokenId);
      if (finished === null) continue;
      answer.finished = finished;
      done++;
    }
    if (done > before) yield done;
  }
  for (const answer of answers) answer.text = tokenizer.decode(answer.tokenIds, { skipSpecialTokens: true }).trim();
  return answers;
}

/** The row that scores an answer given its prompt. */
export function scoringRow(promptIds: readonly number[], responseIds: readonly number[]): { inputIds: number[]; labels: number[] } {
  return { inputIds: [...promptIds, ...responseIds], labels: [...promptIds.map(() => -100), ...responseIds] };
}

/** Mean of token losses, nats; NaN for none. */
export function meanNll(tokenNlls: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < tokenNlls.length; i++) sum += tokenNlls[i] as number;
  return sum / tokenNlls.length;
}
