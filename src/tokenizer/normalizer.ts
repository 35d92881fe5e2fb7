/**
 * The "normalizer" of a tokenizer.json. Ours and not that of @huggingface/tokenizers 0.2.0, whose Replace reads `$&` in the replacement,
 * whose Strip and Lowercase follow JavaScript (U+FEFF, final sigma) and whose Precompiled ignores its table.
 */
import { toByteCharacters } from './byteAlphabet.ts';
import { compilePattern } from './pattern.ts';
import { readFlag, readList, readPart, readText, unsupportedPart } from './tokenizerPart.ts';

export type Normalizer = (text: string) => string;

const LEADING_SPACES = /^\p{White_Space}+/u;
const LAST_SPACES = /\p{White_Space}$/u;

function trimEnd(text: string): string {
  let end = text.length;
  // Step by step: a pattern for the whole run would try it from each of its characters.
  while (end > 0 && LAST_SPACES.test(text[end - 1] as string)) end--;
  return text.slice(0, end);
}

/** @throws EngineError bad-file | unsupported */
export function createNormalizer(json: unknown, at = 'normalizer', depth = 0): Normalizer {
  if (json === null || json === undefined) return (text) => text;
  const { part, type } = readPart(json, at, depth);
  switch (type) {
    case 'Sequence': {
      const members = readList(part, 'normalizers', at).map((member, i) => createNormalizer(member, `${at} ${i + 1}`, depth + 1));
      return (text) => members.reduce((so, member) => member(so), text);
    }
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD':
      return (text) => text.normalize(type);
    case 'Replace': {
      const pattern = compilePattern(part['pattern'], at);
      const content = readText(part, 'content', at);
      return (text) => text.replace(pattern, () => content);
    }
    case 'Prepend': {
      const prefix = readText(part, 'prepend', at);
      return (text) => (text === '' ? '' : prefix + text);
    }
    case 'Strip': {
      const left = readFlag(part, 'strip_left', at, true);
      const right = readFlag(part, 'strip_right', at, true);
      return (text) => {
        const begun = left ? text.replace(LEADING_SPACES, '') : text;
        return right ? trimEnd(begun) : begun;
      };
    }
    case 'Lowercase':
      // Character by character, as Rust does: no final sigma.
      return (text) => Array.from(text, (character) => character.toLowerCase()).join('');
    case 'ByteLevel':
      return toByteCharacters;
    default:
      throw unsupportedPart(at, type);
  }
}
