import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTokenizer, type Tokenizer } from './tokenizer.ts';

interface Fixture {
  /** sha256 of tokenizer.json. */
  fingerprint: string;
  versions: Record<string, string>;
  cases: { text: string; ids: number[]; decoded: string }[];
  randomIds: { ids: number[]; decoded: string; withoutSpecial: string }[];
  chats: { prompt: string; rendered: string; ids: number[] }[];
}
const at = (path: string) => new URL(path, import.meta.url);
const read = (path: string): unknown => JSON.parse(readFileSync(at(path), 'utf8'));
const open = (folder: string): Tokenizer =>
  createTokenizer({ tokenizerJson: read(`${folder}/tokenizer.json`), tokenizerConfigJson: read(`${folder}/tokenizer_config.json`) });

const REFERENCE = '../testing/reference';
const DEMO = '../../public/models/demo';
const fingerprint = (folder: string): string => createHash('sha256').update(readFileSync(at(`${folder}/tokenizer.json`))).digest('hex');
const suites = [
  { name: 'a byte-level BPE', folder: `${REFERENCE}/tokenizer-bytelevel`, fixture: `${REFERENCE}/tokenizer-bytelevel/cases.json` },
  { name: 'a BPE with byte fallback', folder: `${REFERENCE}/tokenizer-bytefallback`, fixture: `${REFERENCE}/tokenizer-bytefallback/cases.json` },
  { name: 'the demo LM', folder: DEMO, fixture: `${REFERENCE}/tokenizer-demo.json` },
];

it.each(suites)('the reference values of $name are of this very tokenizer', ({ folder, fixture }) => {
  expect((read(fixture) as Fixture).fingerprint, 'run tools/reference/make.py and commit what it writes').toBe(fingerprint(folder));
});

const stream = (tokenizer: Tokenizer, ids: readonly number[]): string[] => {
  const decoder = tokenizer.createStreamDecoder();
  return [...ids.map((id) => decoder.push(id)), decoder.end()];
};

// Of another tokenizer the values would say nothing; the test above fails then.
describe.each(suites.filter(({ folder, fixture }) => (read(fixture) as Fixture).fingerprint === fingerprint(folder)))('the tokenizer of $name against Python tokenizers', ({ folder, fixture }) => {
  const tokenizer = open(folder);
  const { cases, randomIds, chats } = read(fixture) as Fixture;

  it.each(cases.map((entry) => [JSON.stringify(entry.text.length > 40 ? `${entry.text.slice(0, 40)}…` : entry.text), entry] as const))(
    'gives the same ids and text for %s',
    (_, { text, ids, decoded }) => {
      expect(tokenizer.encode(text)).toEqual(ids);
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
    },
  );

  it('decodes any sequence of ids the same, with and without special tokens', () => {
    for (const { ids, decoded, withoutSpecial } of randomIds) {
      expect(tokenizer.decode(ids, { skipSpecialTokens: false })).toBe(decoded);
      expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe(withoutSpecial);
    }
  });

  it('applies the chat template as transformers does', () => {
    for (const { prompt, ids } of chats) expect(tokenizer.applyChatTemplate(prompt)).toEqual(ids);
  });

  it('streams pieces that join to the whole text', () => {
    for (const { ids } of [...cases, ...randomIds]) {
      expect(stream(tokenizer, ids).join('')).toBe(tokenizer.decode(ids, { skipSpecialTokens: true }));
    }
  });

  it('never emits half a character', () => {
    const text = 'naïve 👩‍👩‍👧 世界 é';
    for (const piece of stream(tokenizer, tokenizer.encode(text))) expect(piece).not.toContain('\ufffd');
  });

  it('ends a response with a token that ends responses', () => {
    const ids = tokenizer.encodeResponse('Fine.');
    expect(tokenizer.eosTokenIds).toContain(ids.at(-1));
    expect(tokenizer.decode(ids, { skipSpecialTokens: true })).toBe('Fine.');
  });

  it('gives back every well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), (text) => {
        expect(tokenizer.decode(tokenizer.encode(text), { skipSpecialTokens: false })).toBe(text);
      }),
      { numRuns: 300 },
    );
  });
});

describe('the tokenizer', () => {
  const folder = `${REFERENCE}/tokenizer-bytelevel`;
  const tokenizerJson = read(`${folder}/tokenizer.json`) as Record<string, unknown>;
  const tokenizerConfigJson = read(`${folder}/tokenizer_config.json`) as Record<string, unknown>;

  it('takes pad, eos and size from the files', () => {
    const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfigJson, generationConfigJson: { eos_token_id: [2, 4] } });
    expect(tokenizer.eosTokenIds).toEqual([2, 4]);
    expect(tokenizer.padTokenId).toBe(0);
    expect(tokenizer.hasChatTemplate).toBe(true);
    expect(tokenizer.vocabSize).toBe(1 + Math.max(...Object.values((tokenizerJson['model'] as { vocab: Record<string, number> }).vocab)));
  });

  it('uses a plain instruction layout without a chat template', () => {
    const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfigJson: { ...tokenizerConfigJson, chat_template: undefined } });
    expect(tokenizer.hasChatTemplate).toBe(false);
    expect(tokenizer.decode(tokenizer.applyChatTemplate('Sing.'), { skipSpecialTokens: true })).toBe('### Instruction:\nSing.\n\n### Response:\n');
  });

  it('prefers the template of chat_template.jinja', () => {
    const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfigJson, chatTemplate: 'Q: {{ messages[0].content }}\nA:' });
    expect(tokenizer.decode(tokenizer.applyChatTemplate('Why?'), { skipSpecialTokens: false })).toBe('Q: Why?\nA:');
  });

  it('ends responses with the token that the template writes after them', () => {
    const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfigJson: { ...tokenizerConfigJson, eos_token: '<s>' }, eosTokenIds: [2] });
    expect(tokenizer.eosTokenIds).toEqual([1, 2]);
    expect(tokenizer.encodeResponse('x').at(-1)).toBe(2);
  });

  it('skips ids without a token and refuses what is no id', () => {
    const tokenizer = createTokenizer({ tokenizerJson, tokenizerConfigJson });
    expect(tokenizer.decode([999_999], { skipSpecialTokens: true })).toBe('');
    expect(() => tokenizer.decode([-1], { skipSpecialTokens: true })).toThrow(/token id -1/);
  });

  it('says what is wrong with files that are no tokenizer', () => {
    expect(() => createTokenizer({ tokenizerJson: {}, tokenizerConfigJson: {} })).toThrow(/tokenizer\.json/);
    expect(() => createTokenizer({ tokenizerJson: { model: { type: 'Unheard' } }, tokenizerConfigJson: {} })).toThrow(/tokenizer\.json/);
    expect(() => createTokenizer({ tokenizerJson, tokenizerConfigJson: {} })).toThrow(/end-of-sequence/);
    expect(() => createTokenizer({ tokenizerJson, tokenizerConfigJson: { ...tokenizerConfigJson, chat_template: '{% if %}' } })).toThrow(/chat template/);
  });
});
