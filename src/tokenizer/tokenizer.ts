/**
 * Text to token ids and back, for the `tokenizer.json` of a BPE tokenizer, as Python `tokenizers` does it (checked in parity.test.ts).
 * Not for chat templates themselves (chatTemplate.ts) nor for batching and padding (data, generate).
 */
import { EngineError } from '../base/errors.ts';
import { createAddedTokenFinder, parseAddedTokens, type AddedToken } from './addedTokens.ts';
import { createBpeModel, MAX_TOKEN_ID, type BpeModel } from './bpeModel.ts';
import { openChatTemplate, ownTemplate, type ChatTemplateSource } from './chatTemplate.ts';
import { createDecoder } from './decoder.ts';
import { createNormalizer } from './normalizer.ts';
import { createPreTokenizer } from './preTokenizer.ts';
import { createStreamDecoder, type StreamDecoder } from './streamDecoder.ts';
import { badPart, isObject } from './tokenizerPart.ts';

/** The parsed JSON of a model folder's tokenizer files. Untrusted: checked here. */
export interface TokenizerFiles {
  tokenizerJson: unknown;
  tokenizerConfigJson: unknown;
  generationConfigJson?: unknown;
  /**
   * Contents of `chat_template.jinja`, which win over the template inside tokenizer_config.json, as in transformers;
   * or a template to use in place of the model's own.
   */
  chatTemplate?: string | null | ChatTemplateSource;
  /** More ids that end a response, from config.json. */
  eosTokenIds?: readonly number[];
  /**
   * How many tokens the LM knows. Added tokens beyond them are left out, so that a text which spells one is plain text: Gemma 3's text
   * models come with the image token of their larger sisters.
   */
  lmVocabSize?: number;
}

export interface DecodeOptions {
  /** Leaves out tokens such as end-of-sequence. */
  skipSpecialTokens: boolean;
}

/** Immutable; safe to share. */
export interface Tokenizer {
  /** Ids of a text as it stands: no beginning- or end-of-sequence is added. A surrogate without its other half counts as U+FFFD. */
  encode(text: string): number[];
  /**
   * Text of ids; ids without a token (padded vocabularies) give nothing. Differs from transformers: spaces are never cleaned up, so that
   * the text is what the LM wrote. @throws EngineError bad-argument for an id that is no whole number >= 0
   */
  decode(ids: readonly number[], options: DecodeOptions): string;
  /** Ids of one user turn up to where the response starts. Nothing is added to what the template writes: no second beginning-of-sequence. */
  applyChatTemplate(prompt: string): number[];
  /** The text of which `applyChatTemplate` gives the ids, to be shown. */
  renderPrompt(prompt: string): string;
  /**
   * Ids of a response as they follow those of `applyChatTemplate`, with the token that ends it. Where tokens would span the border
   * (a response that begins with an empty line), the response is encoded for itself.
   */
  encodeResponse(text: string): number[];
  /** Decodes a response id by id; never splits a character. Special tokens are left out. */
  createStreamDecoder(): StreamDecoder;
  /** Every id that ends a response. */
  readonly eosTokenIds: number[];
  /** Fills the short rows of a batch; never seen by the LM. */
  readonly padTokenId: number;
  /** One more than the largest id. */
  readonly vocabSize: number;
  /** The template in use. */
  readonly chatTemplate: ChatTemplateSource;
  /** Whether the template in use is the model's own. */
  readonly hasChatTemplate: boolean;
}

/** Stands for any prompt when responses are looked at in their place. */
const PROBE_PROMPT = 'x';

/** A special token stands as text or as {content}. */
function tokenText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return isObject(value) && typeof value['content'] === 'string' ? value['content'] : null;
}

function idList(value: unknown): number[] {
  return (Array.isArray(value) ? value.slice(0, 1000) : [value]).filter((id): id is number => Number.isInteger(id) && (id as number) >= 0 && (id as number) <= MAX_TOKEN_ID);
}

interface Vocabulary {
  idOf(token: string): number | undefined;
  tokenOf(id: number): string | undefined;
  largestId: number;
}

/** Tokens and ids, added ones included. @throws EngineError bad-file if two tokens claim an id, or an added token another id than the model's */
function joinVocabulary(model: BpeModel, added: readonly AddedToken[]): Vocabulary {
  const idOfAdded = new Map<string, number>();
  const addedOf = new Map<number, string>();
  const idOf = (token: string): number | undefined => idOfAdded.get(token) ?? model.idOf(token);
  const tokenOf = (id: number): string | undefined => addedOf.get(id) ?? model.tokenOf(id);
  let { largestId } = model;
  added.forEach(({ content, id }, i) => {
    if (id < 0 || id > MAX_TOKEN_ID || (idOf(content) ?? id) !== id || (tokenOf(id) ?? content) !== content)
      throw badPart(`added_tokens[${i}]`, `${JSON.stringify(content.slice(0, 40))} has the id ${id}, which does not fit the vocabulary.`);
    idOfAdded.set(content, id);
    addedOf.set(id, content);
    largestId = Math.max(largestId, id);
  });
  return { idOf, tokenOf, largestId };
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

  const model = createBpeModel(tokenizerJson['model']);
  const normalize = createNormalizer(tokenizerJson['normalizer']);
  const preTokenize = createPreTokenizer(tokenizerJson['pre_tokenizer']);
  const textOf = createDecoder(tokenizerJson['decoder']);
  const added = parseAddedTokens(tokenizerJson['added_tokens']).filter((token) => token.id < (files.lmVocabSize ?? Infinity));
  const { idOf, tokenOf, largestId } = joinVocabulary(model, added);
  const specialTokens = new Set(added.filter((token) => token.special).map((token) => token.content));
  const findInText = createAddedTokenFinder(added.filter((token) => !token.normalized).map((token) => ({ token, text: token.content })));
  const findInNormalized = createAddedTokenFinder(added.filter((token) => token.normalized).map((token) => ({ token, text: normalize(token.content) })));

  const specialToken = (name: string): string | null => tokenText(tokenizerConfig[name]);
  const idOfSpecial = (name: string): number | undefined => idOf(specialToken(name) ?? '');
  const generationConfig = isObject(files.generationConfigJson) ? files.generationConfigJson : {};
  const tokenizerEos = idOfSpecial('eos_token');
  const eosTokenIds = [
    ...new Set([...(tokenizerEos === undefined ? [] : [tokenizerEos]), ...idList(generationConfig['eos_token_id']), ...(files.eosTokenIds ?? [])]),
  ];
  const firstEos = eosTokenIds[0];
  if (firstEos === undefined)
    throw new EngineError('bad-config', 'Neither tokenizer_config.json nor generation_config.json nor config.json names an end-of-sequence token: responses could not end.');

  const encode = (text: string): number[] => {
    const ids: number[] = [];
    for (const section of findInText(text.replace(/\p{Surrogate}/gu, '\ufffd'))) {
      if ('token' in section) {
        ids.push(section.token.id);
        continue;
      }
      for (const part of findInNormalized(normalize(section.text))) {
        if ('token' in part) ids.push(part.token.id);
        else for (const piece of preTokenize(part.text, section.at === 0 && part.at === 0)) for (const id of model.encode(piece.text)) ids.push(id);
      }
    }
    return ids;
  };
  const decode = (ids: readonly number[], { skipSpecialTokens }: DecodeOptions): string => {
    const tokens: string[] = [];
    for (const id of ids) {
      if (!Number.isInteger(id) || id < 0) throw new EngineError('bad-argument', `token id ${id} is not a whole number >= 0`);
      const token = tokenOf(id);
      if (token !== undefined && !(skipSpecialTokens && specialTokens.has(token))) tokens.push(token);
    }
    return tokens.length === 0 ? '' : textOf(tokens);
  };

  const given = files.chatTemplate;
  const own = typeof given === 'object' && given !== null ? given : ownTemplate(given ?? tokenizerConfig['chat_template']);
  const template = openChatTemplate(own, {
    bosToken: specialToken('bos_token'),
    eosToken: specialToken('eos_token') ?? tokenOf(firstEos) ?? null,
    padToken: specialToken('pad_token'),
    unkToken: specialToken('unk_token'),
  });
  // A chat turn may end with another token than the one that ends a document; the template shows which.
  const around = template.aroundResponse(PROBE_PROMPT);
  const closingId = encode(around.after.trimStart())[0];
  const isEnd = closingId !== undefined && (eosTokenIds.includes(closingId) || specialTokens.has(tokenOf(closingId) ?? ''));
  // The template's own end mark ends a response even where no other file says so.
  if (isEnd && !eosTokenIds.includes(closingId)) eosTokenIds.push(closingId);
  const responseEndId = isEnd ? closingId : firstEos;

  const contextText = template.render(PROBE_PROMPT);
  const contextIds = encode(contextText);
  /** Ids as they stand in a conversation: a SentencePiece-style tokenizer writes a space before the beginning of a text, but not in the middle of one. */
  const encodeInContext = (text: string): number[] => {
    const ids = encode(contextText + around.before + text);
    return contextIds.every((id, i) => id === ids[i]) ? ids.slice(contextIds.length) : encode(text);
  };

  return {
    encode,
    decode,
    applyChatTemplate: (prompt) => encode(template.render(prompt)),
    renderPrompt: (prompt) => template.render(prompt),
    encodeResponse: (text) => [...encodeInContext(text), responseEndId],
    createStreamDecoder: () =>
      createStreamDecoder(
        tokenizerJson['decoder'],
        (id) => {
          const token = tokenOf(id);
          return token === undefined || specialTokens.has(token) ? null : token;
        },
        textOf,
      ),
    eosTokenIds,
    padTokenId: idOfSpecial('pad_token') ?? firstEos,
    vocabSize: largestId + 1,
    chatTemplate: { source: template.source, origin: template.origin },
    hasChatTemplate: template.origin === 'model',
  };
}
