/** What a tokenizer.json may hold that the library takes and Python reads otherwise, or not at all. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { compilePattern } from './pattern.ts';
import { splitText } from './splitText.ts';
import { createTokenizer, type TokenizerFiles } from './tokenizer.ts';

type Json = Record<string, unknown>;
const family = (name: string): Json => (JSON.parse(gunzipSync(readFileSync(new URL(`../testing/reference/tokenizer-parity/${name}.json.gz`, import.meta.url))).toString('utf8')) as { tokenizer: Json }).tokenizer;
const open = (tokenizerJson: unknown, more: Partial<TokenizerFiles> = {}) => createTokenizer({ tokenizerJson, tokenizerConfigJson: {}, eosTokenIds: [0], ...more });
const failureOf = (run: () => unknown): EngineError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
};
const letters = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2, '▁': 3, '▁a': 4, '1': 5, '²': 6 }, merges: ['a b', '▁ a'] };

describe('a tokenizer.json', () => {
  it('of the oldest form does not name its model: with merges it is BPE', () => {
    const { type: _type, ...untyped } = letters;
    expect(open({ model: untyped }).encode('ab')).toEqual([2]);
  });

  it('may write merges as texts or as pairs', () => {
    expect(open({ model: { ...letters, merges: [['a', 'b']] } }).encode('ab')).toEqual([2]);
  });

  it.each([
    ['Unigram', { model: { type: 'Unigram', vocab: [['a', 0]] } }],
    ['WordPiece', { model: { type: 'WordPiece', vocab: { a: 0 }, unk_token: 'a' } }],
    ['WordLevel', { model: { type: 'WordLevel', vocab: { a: 0 } } }],
    ['Precompiled', { model: letters, normalizer: { type: 'Precompiled', precompiled_charsmap: '' } }],
    ['UnicodeScripts', { model: letters, pre_tokenizer: { type: 'UnicodeScripts' } }],
    ['CTC', { model: letters, decoder: { type: 'CTC' } }],
    ['end_of_word_suffix', { model: { ...letters, end_of_word_suffix: '</w>' } }],
  ])('with %s is refused by that name, as its ids were not checked', (name, json) => {
    const failure = failureOf(() => open(json));
    expect(failure.code).toBe('unsupported');
    expect(failure.message).toContain(name);
    expect(failure.message).toContain('tokenizer.json');
  });

  it.each([
    ['an id beyond all vocabularies', { model: { ...letters, vocab: { ...letters.vocab, x: 4e9 } } }],
    ['two tokens of one id', { model: { ...letters, vocab: { ...letters.vocab, x: 0 } } }],
    ['a merge of tokens that are not there', { model: { ...letters, merges: ['a q'] } }],
    ['a merge of three', { model: { ...letters, merges: ['a b a'] } }],
    ['an unknown token that is not there', { model: { ...letters, unk_token: '<unk>' } }],
    ['an added token with the id of another', { model: letters, added_tokens: [{ id: 0, content: 'zz' }] }],
    ['parts nested without end', { model: letters, pre_tokenizer: Array.from({ length: 100 }).reduce<unknown>((inside) => ({ type: 'Sequence', pretokenizers: [inside] }), { type: 'WhitespaceSplit' }) }],
  ])('with %s is a bad file', (_, json) => {
    expect(failureOf(() => open(json)).code).toBe('bad-file');
  });
});

describe('encoding, where the library differs from Rust', () => {
  const ids = (json: Json, text: string): number[] => open({ model: letters, ...json }).encode(text);

  it('counts every number of Unicode as a digit', () => {
    const model = { ...letters, vocab: { ...letters.vocab, '1²': 7 }, merges: [['1', '²']] };
    expect(open({ model, pre_tokenizer: { type: 'Digits', individual_digits: true } }).encode('1²')).toEqual([5, 6]);
  });

  it('splits at every U+2581 of a Metaspace', () => {
    const model = { ...letters, vocab: { ...letters.vocab, '▁▁': 7 }, merges: [['▁', '▁']] };
    expect(open({ model, pre_tokenizer: { type: 'Metaspace', split: true, prepend_scheme: 'never' } }).encode('  ')).toEqual([3, 3]);
    expect(open({ model, pre_tokenizer: { type: 'Metaspace', split: false, prepend_scheme: 'never' } }).encode('  ')).toEqual([7]);
  });

  it('knows the five behaviours of Split, inverted too', () => {
    const pieces = (behavior: Parameters<typeof splitText>[2], invert = false) => splitText('a--b-c', /-/gu, behavior, invert).map((piece) => piece.text);
    expect(pieces('isolated')).toEqual(['a', '-', '-', 'b', '-', 'c']);
    expect(pieces('removed')).toEqual(['a', 'b', 'c']);
    expect(pieces('contiguous')).toEqual(['a', '--', 'b', '-', 'c']);
    expect(pieces('mergedwithprevious')).toEqual(['a-', '-', 'b-', 'c']);
    expect(pieces('mergedwithnext')).toEqual(['a', '-', '-b', '-c']);
    expect(pieces('removed', true)).toEqual(['-', '-', '-']);
  });

  it('writes a replacement as it stands', () => {
    expect(ids({ normalizer: { type: 'Replace', pattern: { String: 'q' }, content: 'a' } }, 'qb')).toEqual([2]);
    expect(ids({ normalizer: { type: 'Replace', pattern: { String: 'b' }, content: '$&' } }, 'ab')).toEqual([0]);
  });

  it('takes an added token with single_word only between words', () => {
    const json = { added_tokens: [{ id: 9, content: 'ba', single_word: true, special: true }] };
    expect(ids(json, 'ba')).toEqual([9]);
    expect(ids(json, 'aba')).toEqual([2, 0]);
  });

  it('lets an added token swallow U+0085 but not U+FEFF', () => {
    const model = { ...letters, vocab: { ...letters.vocab, '\u0085': 7, '\ufeff': 8 } };
    const added_tokens = [{ id: 9, content: '<e>', rstrip: true, lstrip: true, special: true }];
    expect(open({ model, added_tokens }).encode('a\u0085<e>\u0085a\ufeff<e>')).toEqual([0, 9, 0, 8, 9]);
  });

  it('fuses unknown characters within a piece, not across pieces', () => {
    const model = { ...letters, vocab: { ...letters.vocab, '?': 7 }, unk_token: '?', fuse_unk: true };
    expect(open({ model, pre_tokenizer: { type: 'WhitespaceSplit' } }).encode('xyz xy')).toEqual([7, 7]);
  });

  it('takes half a surrogate pair for U+FFFD, where Python refuses the text', () => {
    const tokenizer = open(family('llama3'));
    expect(tokenizer.encode('a\ud83d b\ude00')).toEqual(tokenizer.encode('a\ufffd b\ufffd'));
  });

  it('leaves out added tokens that the LM has no row for', () => {
    const added_tokens = [{ id: 7, content: 'ab', special: true }];
    const json = { model: { ...letters, vocab: { a: 0, b: 1 }, merges: [] }, added_tokens };
    expect(open(json).encode('ab')).toEqual([7]);
    expect(open(json, { lmVocabSize: 7 }).encode('ab')).toEqual([0, 1]);
    expect(open(json, { lmVocabSize: 7 }).vocabSize).toBe(2);
  });
});

describe('a response', () => {
  it('has the ids that it has in a conversation: no second U+2581 in the middle of a text', () => {
    const llama2 = open(family('llama2'), { tokenizerConfigJson: { bos_token: '<s>', eos_token: '</s>' }, chatTemplate: "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}Q: {{ m.content }}\nA:\n{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}" });
    const text = llama2.renderPrompt('Tea?');
    expect([...llama2.applyChatTemplate('Tea?'), ...llama2.encodeResponse('Yes.')]).toEqual([...llama2.encode(`${text}Yes.`), 2]);
    expect(llama2.encode('Yes.')).not.toEqual(llama2.encodeResponse('Yes.').slice(0, -1));
  });

  it('begins with the space that the template writes before it', () => {
    const mistral = open(family('mistral'), { tokenizerConfigJson: { bos_token: '<s>', eos_token: '</s>' }, chatTemplate: "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }}[/INST]{% else %} {{ m.content }}{{ eos_token }}{% endif %}{% endfor %}" });
    expect([...mistral.applyChatTemplate('Tea?'), ...mistral.encodeResponse('Yes.')]).toEqual(mistral.encode('<s>[INST] Tea?[/INST] Yes.</s>'));
    // One beginning, the template's.
    expect(mistral.applyChatTemplate('Tea?').filter((id) => id === 1)).toHaveLength(1);
  });

  it('ends with the mark of the template even if no other file names it', () => {
    const qwen = open(family('qwen2'), { tokenizerConfigJson: { eos_token: '<|endoftext|>' }, eosTokenIds: [], chatTemplate: "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}" });
    const end = qwen.encode('<|im_end|>')[0];
    expect(qwen.encodeResponse('Yes.').at(-1)).toBe(end);
    expect(qwen.eosTokenIds).toContain(end);
  });

  it('of a base LM ends with the token that ends a document', () => {
    const gpt = open(family('gpt_neox'), { tokenizerConfigJson: { bos_token: '<|endoftext|>', eos_token: '<|endoftext|>' }, eosTokenIds: [] });
    expect(gpt.chatTemplate.origin).toBe('instruction');
    expect(gpt.encodeResponse('Yes.').at(-1)).toBe(gpt.encode('<|endoftext|>')[0]);
  });
});

describe('a pattern from a file', () => {
  it.each([
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_\x60{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
    String.raw`\d{1,3}(?=(?:\d{3})*\b)`,
    String.raw`\s+$|[一-龥ࠀ-一가-퟿]+|[0-9]`,
  ])('as models have it is taken: %s', (source) => {
    expect(compilePattern({ Regex: source }, 'x')).toBeInstanceOf(RegExp);
  });

  it.each(['(a+)+b', '(a|aa)*b', '(a*)*', '(\\w+\\s?)*$', '((a{1,5}){1,5}){2}', '(a)\\1+', 'a{100000}', '(?:a{100}){100}', 'a*a*a*a*a*b', '.*.*.*x', `${'('.repeat(100)}a${')'.repeat(100)}`, 'a'.repeat(10_000), '[a', '(a', 'a)', '(?(1)a)', '*a'])(
    'is refused if it could take forever or cannot be read: %s',
    (source) => {
      const failure = failureOf(() => compilePattern({ Regex: source }, 'pre_tokenizer'));
      expect(failure.code).toBe('unsupported');
      expect(failure.message).toContain('pre_tokenizer: the pattern');
    },
  );
});
