/**
 * The "pre_tokenizer" of a tokenizer.json: cuts a text into the pieces within which tokens are formed.
 *
 * Ours and not that of @huggingface/tokenizers 0.2.0, which knows digits of ASCII only (Digits), never splits at U+2581 (Metaspace), treats
 * every Split as Isolated, drops what an inverted Split does not match, keeps runs of punctuation together, and counts U+FEFF as a space and
 * U+0085 as none (ByteLevel). To be removed when the library passes parity.test.ts by itself.
 */
import { toByteCharacters } from './byteAlphabet.ts';
import { compilePattern } from './pattern.ts';
import { SPLIT_BEHAVIORS, splitText, type Piece, type SplitBehavior } from './splitText.ts';
import { badPart, readFlag, readList, readPart, readText, unsupportedPart, type Json } from './tokenizerPart.ts';

/** @param isStart whether the text is the beginning of what is encoded (Metaspace may ask) */
export type PreTokenizer = (text: string, isStart: boolean) => Piece[];

/** GPT-2's pattern as published with its tokenizer, with Unicode's white space. */
const GPT2_PATTERN = /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu;
const WHITE_SPACE = /\p{White_Space}/gu;
const NUMBER = /\p{N}/gu;
const PUNCTUATION = /[\p{P}!-/:-@[-`{-~]/gu;
const WORD_OR_SIGNS = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;

function readBehavior(part: Json, at: string, fallback?: string): SplitBehavior {
  const name = readText(part, 'behavior', at, fallback).toLowerCase().replaceAll('_', '');
  if (!SPLIT_BEHAVIORS.includes(name)) throw badPart(at, `"behavior" is "${name.slice(0, 40)}"; known: Removed, Isolated, Contiguous, MergedWithPrevious, MergedWithNext.`);
  return name as SplitBehavior;
}

function byteLevel(part: Json, at: string): PreTokenizer {
  const prefixSpace = readFlag(part, 'add_prefix_space', at, true);
  const splits = readFlag(part, 'use_regex', at, true);
  return (text) => {
    const spaced = prefixSpace && !text.startsWith(' ') ? ` ${text}` : text;
    const pieces = splits ? splitText(spaced, GPT2_PATTERN, 'isolated') : [{ text: spaced, at: 0 }];
    return pieces.map((piece) => ({ text: toByteCharacters(piece.text), at: piece.at }));
  };
}

function metaspace(part: Json, at: string): PreTokenizer {
  const replacement = readText(part, 'replacement', at, '\u2581');
  if ([...replacement].length !== 1) throw badPart(at, '"replacement" must be one character.');
  // Older files say only whether there is a prefix.
  const scheme = readText(part, 'prepend_scheme', at, readFlag(part, 'add_prefix_space', at, true) ? 'always' : 'never');
  if (!['always', 'first', 'never'].includes(scheme)) throw badPart(at, '"prepend_scheme" must be "always", "first" or "never".');
  const splits = readFlag(part, 'split', at, true);
  const pattern = compilePattern({ String: replacement }, at);
  return (text, isStart) => {
    const spaced = text.replaceAll(' ', () => replacement);
    const prefixed = !spaced.startsWith(replacement) && (scheme === 'always' || (scheme === 'first' && isStart)) ? replacement + spaced : spaced;
    return splits ? splitText(prefixed, pattern, 'mergedwithnext') : [{ text: prefixed, at: 0 }];
  };
}

/** @returns cuts a text into pieces that are not empty. @throws EngineError bad-file | unsupported */
export function createPreTokenizer(json: unknown, at = 'pre_tokenizer', depth = 0): PreTokenizer {
  if (json === null || json === undefined) return (text) => [{ text, at: 0 }];
  const { part, type } = readPart(json, at, depth);
  switch (type) {
    case 'Sequence': {
      const members = readList(part, 'pretokenizers', at).map((member, i) => createPreTokenizer(member, `${at} ${i + 1}`, depth + 1));
      return (text, isStart) =>
        members.reduce<Piece[]>((pieces, member) => pieces.flatMap((piece) => member(piece.text, isStart && piece.at === 0).map((part) => ({ text: part.text, at: piece.at + part.at }))), [{ text, at: 0 }]);
    }
    case 'ByteLevel':
      return byteLevel(part, at);
    case 'Metaspace':
      return metaspace(part, at);
    case 'Split': {
      const pattern = compilePattern(part['pattern'], at);
      const behavior = readBehavior(part, at);
      const invert = readFlag(part, 'invert', at, false);
      return (text) => splitText(text, pattern, behavior, invert);
    }
    case 'Digits': {
      const behavior = readFlag(part, 'individual_digits', at, false) ? 'isolated' : 'contiguous';
      return (text) => splitText(text, NUMBER, behavior);
    }
    case 'Punctuation': {
      const behavior = readBehavior(part, at, 'isolated');
      return (text) => splitText(text, PUNCTUATION, behavior);
    }
    case 'WhitespaceSplit':
      return (text) => splitText(text, WHITE_SPACE, 'removed');
    case 'Whitespace':
      return (text) => splitText(text, WORD_OR_SIGNS, 'removed', true);
    case 'BertPreTokenizer':
      return (text) => splitText(text, WHITE_SPACE, 'removed').flatMap((piece) => splitText(piece.text, PUNCTUATION, 'isolated'));
    case 'CharDelimiterSplit': {
      const pattern = compilePattern({ String: readText(part, 'delimiter', at) }, at);
      return (text) => splitText(text, pattern, 'removed');
    }
    default:
      throw unsupportedPart(at, type);
  }
}
