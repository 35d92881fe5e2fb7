/**
 * Text to token ids and back, for any Hugging Face `tokenizer.json` (adapter over @huggingface/tokenizers).
 * Not for chat templates themselves (chatTemplate.ts) nor for batching and padding (data, generate).
 */
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers';
import { EngineError } from '../base/errors.ts';
import { repairByteFallback } from './byteFallback.ts';
import { openChatTemplate } from './chatTemplate.ts';
import { withUnicodeSpaces } from './byteLevelPattern.ts';
import { createStreamDecoder, type StreamDecoder } from './streamDecoder.ts';

/** The parsed JSON of a model folder's tokenizer files. Untrusted: checked here. */
export interface TokenizerFiles {
  tokenizerJson: unknown;
  tokenizerConfigJson: unknown;
  generationConfigJson?: unknown;
  /** Contents of `chat_template.jinja`; wins over the template inside tokenizer_config.json, as in transformers. */
  chatTemplate?: string | null;
  /** More ids that end a response, from config.json. */
  eosTokenIds?: readonly number[];
}

export interface DecodeOptions {
  /** Leaves out tokens such as end-of-sequence. */
  skipSpecialTokens: boolean;
}

/** Immutable; safe to share. */
export interface Tokenizer {
  /** Ids of a text as it stands: no beginning- or end-of-sequence is added. */
  encode(text: string): number[];
  /** Text of ids; ids without a token (padded vocabularies) give nothing. @throws EngineError bad-argument for an id that is no whole number >= 0 */
  decode(ids: readonly number[], options: DecodeOptions): string;
  /** Ids of one user turn up to where the response starts. Without a chat template: a plain instruction layout. */
  applyChatTemplate(prompt: string): number[];
  /** Ids of a response including the token that ends it. */
  encodeResponse(text: string): number[];
  /** Decodes a response id by id; never splits a character. Special tokens are left out. */
  createStreamDecoder(): StreamDecoder;
  /** Every id that ends a response. */
  readonly eosTokenIds: number[];
  /** Fills the short rows of a batch; never seen by the LM. */
  readonly padTokenId: number;
  /** One more than the largest id. */
  readonly vocabSize: number;
  readonly hasChatTemplate: boolean;
}

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value);

/** A special token stands as text or as {content}. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value['content'] === 'string' ? value['content'] : null;
}

function idList(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((id): id is number => Number.isInteger(id) && (id as number) >= 0);
}

/**
 * @throws EngineError bad-file if the files are no tokenizer, unsupported for a part that is not known,
 *   bad-config if nothing says how a response ends
 */
export function createTokenizer(files: TokenizerFiles): Tokenizer {
  const { tokenizerJson } = files;
  if (!isObject(tokenizerJson) || !isObject(tokenizerJson['model']))
    throw new EngineError('bad-file', 'tokenizer.json: has no "model"; is it the file of a fast (Rust) tokenizer?');
  const tokenizerConfig = files.tokenizerConfigJson ?? {};
  if (!isObject(tokenizerConfig)) throw new EngineError('bad-file', 'tokenizer_config.json: must be a JSON object.');

  let hub: HubTokenizer;
  try {
    hub = new HubTokenizer(withUnicodeSpaces({ normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, added_tokens: [], ...tokenizerJson }), tokenizerConfig);
  } catch (error) {
    throw new EngineError('unsupported', `tokenizer.json: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
  repairByteFallback(hub.decoder);
  let vocabSize = 0;
  for (const id of hub.get_vocab(true).values()) vocabSize = Math.max(vocabSize, id + 1);

  const specialToken = (name: string): string | null => tokenText(tokenizerConfig[name]);
  const idOf = (token: string | null): number | undefined => (token === null ? undefined : hub.token_to_id(token));
  const generationConfig = isObject(files.generationConfigJson) ? files.generationConfigJson : {};
  const tokenizerEos = idOf(specialToken('eos_token'));
  const eosTokenIds = [
    ...new Set([...(tokenizerEos === undefined ? [] : [tokenizerEos]), ...idList(generationConfig['eos_token_id']), ...(files.eosTokenIds ?? [])]),
  ];
  const firstEos = eosTokenIds[0];
  if (firstEos === undefined)
    throw new EngineError('bad-config', 'Neither tokenizer_config.json nor generation_config.json nor config.json names an end-of-sequence token: responses could not end.');

  const encode = (text: string): number[] => (text === '' ? [] : hub.encode(text, { add_special_tokens: false }).ids);
  const decode = (ids: readonly number[], { skipSpecialTokens }: DecodeOptions): string => {
    const known = ids.filter((id) => {
      if (!Number.isInteger(id) || id < 0) throw new EngineError('bad-argument', `token id ${id} is not a whole number >= 0`);
      return hub.id_to_token(id) !== undefined;
    });
    if (known.length === 0) return '';
    return hub.decode(known, {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: tokenizerConfig['clean_up_tokenization_spaces'] === true,
    });
  };

  const template = openChatTemplate(files.chatTemplate ?? tokenizerConfig['chat_template'], {
    bosToken: specialToken('bos_token'),
    eosToken: specialToken('eos_token'),
    padToken: specialToken('pad_token'),
    unkToken: specialToken('unk_token'),
  });
  // A chat turn may end with another token than the one that ends a document; the template shows which.
  const closing = template.responseEnd();
  const closingId = closing === '' ? undefined : encode(closing)[0];
  const responseEndId = closingId !== undefined && eosTokenIds.includes(closingId) ? closingId : firstEos;

  return {
    encode,
    decode,
    applyChatTemplate: (prompt) => encode(template.render(prompt)),
    encodeResponse: (text) => [...encode(text), responseEndId],
    createStreamDecoder: () => createStreamDecoder(hub, tokenizerJson['decoder'], (ids) => decode(ids, { skipSpecialTokens: true })),
    eosTokenIds,
    padTokenId: idOf(specialToken('pad_token')) ?? firstEos,
    vocabSize,
    hasChatTemplate: template.isFromModel,
  };
}
