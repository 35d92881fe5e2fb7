/**
 * Prompts in, text out: chat template, generation, streaming decoder and stop strings in one.
 * Not for judging or storing responses.
 */
import type { GenerationConfig } from '../config/generation.ts';
import type { LanguageModel } from '../lm/params.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import { generate } from './generate.ts';
import { createStopWatcher } from './stopStrings.ts';

export interface TextRequest {
  /** What the person says; the chat template is put around it. */
  prompt: string;
  seed: number;
}

/** What one decoded position adds to one response. */
export interface TextPiece {
  /** Into the requests. */
  index: number;
  /** May be '' while a character or a stop string is incomplete. All pieces of an index joined are the response. */
  text: string;
  /** Set with the last piece. */
  finished: null | 'stop' | 'length';
  /** Tokens of this response so far, the one that ended it included. */
  tokenCount: number;
}

/**
 * @param config its `seed` is not used: every request brings its own
 * @yields one array per decoded position, with a piece for each response that is still running
 * @throws EngineError as `generate`
 */
export async function* generateText(
  lm: LanguageModel,
  tokenizer: Tokenizer,
  requests: readonly TextRequest[],
  config: Omit<GenerationConfig, 'seed'>,
  signal?: AbortSignal,
): AsyncGenerator<TextPiece[], void, void> {
  const encoded = requests.map(({ prompt, seed }) => ({ inputIds: tokenizer.applyChatTemplate(prompt), seed }));
  const decoders = requests.map(() => tokenizer.createStreamDecoder());
  const watchers = requests.map(() => createStopWatcher(config.stopStrings));
  const counts = new Int32Array(requests.length);
  const ended = new Set<number>();
  const idConfig = { ...config, eosTokenIds: tokenizer.eosTokenIds, padTokenId: tokenizer.padTokenId };
  for await (const tokens of generate(lm, encoded, idConfig, signal, ended)) {
    yield tokens.map(({ index, tokenId, finished }): TextPiece => {
      const decoder = decoders[index]!;
      const watcher = watchers[index]!;
      counts[index]! += 1;
      const tokenCount = counts[index]!;
      // An end-of-sequence token is not text, even where the tokenizer does not call it special.
      let { text, stopped } = watcher.push(finished === 'stop' ? decoder.end() : decoder.push(tokenId) + (finished ? decoder.end() : ''));
      if (stopped) {
        ended.add(index);
        return { index, text, finished: 'stop', tokenCount };
      }
      if (finished) text += watcher.end();
      return { index, text, finished, tokenCount };
    });
  }
}
