/**
 * Finds added tokens (<|im_end|>, runs of spaces …) in a text, as Rust's AddedVocabulary does.
 *
 * Ours and not that of @huggingface/tokenizers 0.2.0, which ignores `single_word` and strips by JavaScript's white space.
 */
import { isObject, badPart } from './tokenizerPart.ts';

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  /** Found in the normalized text, not in the text as it came. */
  normalized: boolean;
  singleWord: boolean;
  /** Takes the white space before (after) it. */
  lstrip: boolean;
  rstrip: boolean;
}

/** A stretch of text: an added token's, or plain. */
export type Section = { token: AddedToken } | { text: string; at: number };

const MAX_ADDED_TOKENS = 200_000;

/** @throws EngineError bad-file */
export function parseAddedTokens(value: unknown): AddedToken[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.length > MAX_ADDED_TOKENS) throw badPart('added_tokens', `must be a list of at most ${MAX_ADDED_TOKENS}.`);
  const tokens = value.map((entry: unknown, i): AddedToken => {
    const at = `added_tokens[${i}]`;
    if (!isObject(entry) || typeof entry['content'] !== 'string' || !Number.isInteger(entry['id'])) throw badPart(at, 'must have an "id" and a "content".');
    const flag = (name: string, fallback: boolean): boolean => {
      const stated = entry[name] ?? fallback;
      if (typeof stated !== 'boolean') throw badPart(at, `"${name}" must be true or false.`);
      return stated;
    };
    const special = flag('special', false);
    return { id: entry['id'] as number, content: entry['content'], special, normalized: flag('normalized', !special), singleWord: flag('single_word', false), lstrip: flag('lstrip', false), rstrip: flag('rstrip', false) };
  });
  return tokens.filter((token) => token.content !== '');
}

interface TrieNode {
  next: Map<string, TrieNode>;
  token: AddedToken | null;
}

const WORD = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const SPACE = /\p{White_Space}/u;

const isWordAt = (text: string, at: number): boolean => at < text.length && WORD.test(String.fromCodePoint(text.codePointAt(at) as number));
function isWordBefore(text: string, at: number): boolean {
  if (at === 0) return false;
  const low = text.charCodeAt(at - 1);
  const begin = low >= 0xdc00 && low < 0xe000 && at > 1 ? at - 2 : at - 1;
  return isWordAt(text, begin);
}

/**
 * @param tokens each with the text to look for
 * @returns cuts a text that is not empty into sections, in order
 */
export function createAddedTokenFinder(tokens: readonly { token: AddedToken; text: string }[]): (text: string) => Section[] {
  const root: TrieNode = { next: new Map(), token: null };
  for (const { token, text } of tokens) {
    let node = root;
    for (let i = 0; i < text.length; i++) {
      const unit = text[i] as string;
      let next = node.next.get(unit);
      if (!next) node.next.set(unit, (next = { next: new Map(), token: null }));
      node = next;
    }
    if (node !== root) node.token = token;
  }
  /** The longest token that begins here. */
  const longestAt = (text: string, at: number): { token: AddedToken; end: number } | null => {
    let found: { token: AddedToken; end: number } | null = null;
    let node: TrieNode | undefined = root;
    for (let end = at; (node = node.next.get(text[end] ?? '')); ) {
      end++;
      if (node.token) found = { token: node.token, end };
    }
    return found;
  };
  return (text) => {
    if (tokens.length === 0) return [{ text, at: 0 }];
    const sections: Section[] = [];
    let done = 0;
    for (let at = 0; at < text.length; ) {
      const found = longestAt(text, at);
      if (!found) {
        at++;
        continue;
      }
      const { token, end } = found;
      let begin = at;
      let stop = end;
      at = end;
      if (token.singleWord && (isWordBefore(text, begin) || isWordAt(text, stop))) continue;
      if (token.lstrip) while (begin > done && SPACE.test(text[begin - 1] as string)) begin--;
      if (token.rstrip) while (stop < text.length && SPACE.test(text[stop] as string)) stop++;
      if (done < begin) sections.push({ text: text.slice(done, begin), at: done });
      sections.push({ token });
      done = stop;
    }
    if (done < text.length) sections.push({ text: text.slice(done), at: done });
    return sections;
  };
}
