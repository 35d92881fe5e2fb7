/** Ids and texts against Python `tokenizers`, family by family: tools/reference/tokenizer_parity.py writes what is compared with. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

interface Family {
  versions: Record<string, string>;
  /** Null for GPT-2 and Mistral, which are rebuilt from their merges and pieces. */
  tokenizer: unknown;
  /** A short hash a string, separated by spaces. */
  ids: string;
  decoded: string;
  withoutSpecial: string;
  randomIds: { ids: number[]; decoded: string; withoutSpecial: string }[];
}
type Entry = string | [unit: string, times: number, tail: string];

const folder = new URL('../testing/reference/tokenizer-parity/', import.meta.url);
const unpack = (name: string): string => gunzipSync(readFileSync(new URL(name, folder))).toString('utf8');
const strings = (JSON.parse(unpack('strings.json.gz')) as Entry[]).map((entry) => (typeof entry === 'string' ? entry : entry[0].repeat(entry[1]) + entry[2]));
const shortHash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
const nameOf = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}… (${text.length})` : text);

/** GPT-2's own vocabulary follows from its merges: the 256 bytes, what each merge makes, the end of text. */
function gpt2(): unknown {
  const printable: number[] = [];
  for (let byte = 0; byte < 256; byte++) if ((byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae) printable.push(byte);
  const bytes = [...printable, ...Array.from({ length: 256 - printable.length }, (_, i) => 256 + i)].map((code) => String.fromCharCode(code));
  const merges = unpack('gpt2-merges.txt.gz').split('\n').slice(1).filter((line) => line !== '');
  const tokens = [...bytes, ...merges.map((merge) => merge.replace(' ', '')), '<|endoftext|>'];
  return {
    model: { type: 'BPE', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges },
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    added_tokens: [{ id: 50256, content: '<|endoftext|>', special: true, normalized: true }],
  };
}

/** SentencePiece merges the pair that makes the best piece. Ids are in the order of scores, but for runs of spaces, which come last. */
function mistralV1(): unknown {
  const pieces = JSON.parse(unpack('mistral-pieces.json.gz')) as string[];
  const ids = new Map(pieces.map((piece, id) => [piece, id]));
  const merges = pieces.flatMap((piece) => {
    const characters = [...piece];
    const ways = characters.slice(1).map((_, i) => [characters.slice(0, i + 1).join(''), characters.slice(i + 1).join('')] as [string, string]);
    const known = ways.filter(([left, right]) => ids.has(left) && ids.has(right) && !left.startsWith('<0x') && !right.startsWith('<0x'));
    const rank = /^\u2581{2,}$/.test(piece) ? Infinity : ids.get(piece)!;
    return known.map(([left, right]) => ({ pair: [left, right] as const, rank, left: [...left].length, right: [...right].length }));
  });
  merges.sort((a, b) => (a.rank === b.rank ? b.left - a.left || b.right - a.right : a.rank - b.rank));
  const space = { String: '\u2581' };
  return {
    model: { type: 'BPE', vocab: Object.fromEntries(ids), merges: merges.map(({ pair }) => pair), unk_token: '<unk>', fuse_unk: true, byte_fallback: true },
    normalizer: { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: '\u2581' }, { type: 'Replace', pattern: { String: ' ' }, content: '\u2581' }] },
    decoder: { type: 'Sequence', decoders: [{ type: 'Replace', pattern: space, content: ' ' }, { type: 'ByteFallback' }, { type: 'Fuse' }, { type: 'Strip', content: ' ', start: 1, stop: 0 }] },
    added_tokens: ['<unk>', '<s>', '</s>'].map((content) => ({ id: ids.get(content), content, special: true, normalized: false })),
  };
}

const REBUILT: Record<string, () => unknown> = { gpt2, 'mistral-v1': mistralV1 };
const FAMILIES = ['mistral-v1', 'gpt2', 'gpt_neox', 'llama2', 'llama3', 'mistral', 'smollm2', 'qwen2', 'gemma', 'metaspace-split', 'flags', 'words'];

describe.each(FAMILIES)('the tokenizer of the build of %s against Python tokenizers', (name) => {
  const family = JSON.parse(unpack(`${name}.json.gz`)) as Family;
  const tokenizer: Tokenizer = createTokenizer({ tokenizerJson: family.tokenizer ?? REBUILT[name]?.(), tokenizerConfigJson: {}, eosTokenIds: [0] });
  const encoded = strings.map((text) => tokenizer.encode(text));
  const expectSame = (what: string, hashes: string, of: (ids: number[]) => string): void => {
    const expected = hashes.split(' ');
    expect(expected).toHaveLength(strings.length);
    const wrong = strings.flatMap((text, i) => (shortHash(of(encoded[i] as number[])) === expected[i] ? [] : [`${i}: ${nameOf(text)}`]));
    expect(wrong, `${what} differ; tools/reference/tokenizer_parity.py --show ${name} INDEX prints what Python says`).toEqual([]);
  };

  it('gives the ids of more than a thousand strings', () => {
    expect(strings.length).toBeGreaterThan(1000);
    expectSame('ids', family.ids, (ids) => ids.join(','));
  });

  it('decodes them, with and without special tokens', () => {
    expectSame('texts', family.decoded, (ids) => tokenizer.decode(ids, { skipSpecialTokens: false }));
    expectSame('texts without special tokens', family.withoutSpecial, (ids) => tokenizer.decode(ids, { skipSpecialTokens: true }));
    for (const { ids, decoded, withoutSpecial } of family.randomIds) {
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(withoutSpecial);
    }
  });

  it('streams pieces that join to the whole text', () => {
    const some = encoded.filter((ids, i) => ids.length < 300 && i % 3 === 0);
    for (const ids of [...some, ...family.randomIds.map((entry) => entry.ids)]) {
      const decoder = tokenizer.createStreamDecoder();
      expect([...ids.map((id) => decoder.push(id)), decoder.end()].join('')).toBe(tokenizer.decode(ids, { skipSpecialTokens: true }));
    }
  });
});

it('the shared strings are stored', () => expect(existsSync(new URL('strings.json.gz', folder))).toBe(true));
