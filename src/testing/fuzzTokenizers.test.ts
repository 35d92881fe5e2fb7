/** Tokenizer files, patterns and chat templates with something wrong in them: ids and texts or an EngineError, nothing else, and an end. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import { openChatTemplate } from '../tokenizer/chatTemplate.ts';
import { compilePattern } from '../tokenizer/pattern.ts';
import { createTokenizer } from '../tokenizer/tokenizer.ts';
import { expectHandled, mutateJson, mutateText, type Tally } from './fuzz.ts';
import { startWatchdog, type Watchdog } from './watchdog.ts';

let watchdog: Watchdog;
beforeAll(() => (watchdog = startWatchdog(30_000)));
afterAll(() => watchdog.close());

type Json = Record<string, unknown>;
const FAMILIES = ['gpt_neox', 'llama2', 'llama3', 'mistral', 'smollm2', 'qwen2', 'gemma', 'metaspace-split', 'flags', 'words'];

/** The build of a family with a vocabulary of a few letters, so that most changes meet its structure. */
function small(name: string): Json {
  const file = JSON.parse(gunzipSync(readFileSync(new URL(`./reference/tokenizer-parity/${name}.json.gz`, import.meta.url))).toString('utf8')) as { tokenizer: Json };
  const tokens = ['<unk>', 'a', 'b', 'ab', 'Ġ', 'Ġa', '▁', '▁a', '<0x0A>', '<0xC3>', '<0xA9>', '1', 'Ċ'];
  const added = (file.tokenizer['added_tokens'] as Json[]).filter((token) => !tokens.includes(token['content'] as string)).slice(-4).map((token, i) => ({ ...token, id: tokens.length + i }));
  const model = { ...(file.tokenizer['model'] as Json), unk_token: '<unk>', vocab: Object.fromEntries(tokens.map((token, id) => [token, id])), merges: ['a b', 'Ġ a', '▁ a'] };
  return { ...file.tokenizer, model, added_tokens: added };
}
const bases = FAMILIES.map(small);
const CONFIG = { bos_token: { content: '<unk>' }, eos_token: 'b', pad_token: null, additional_special_tokens: ['x'], clean_up_tokenization_spaces: true, chat_template: "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}" };
const TEXTS = ['', ' ab a\n\u0085é1 <unk> <s> </s>  foo 😀\ud800\ufeff▁▁Ġ'];

async function fuzz(name: string, cases: number, make: (rng: Rng) => { bytes: number; run(): unknown }): Promise<Tally> {
  const tally = { valid: 0, refused: 0 };
  for (let i = 0; i < cases; i++) {
    const label = `${name} ${i}`;
    const { bytes, run } = make(new Rng(2).fork(label));
    watchdog.enter(label);
    await expectHandled(label, bytes, tally, run);
  }
  return tally;
}

/** Everything that the engine does with a tokenizer. */
function use(files: Parameters<typeof createTokenizer>[0]): void {
  const tokenizer = createTokenizer(files);
  const areIds = (ids: number[]): boolean => ids.every((id) => Number.isInteger(id) && id >= 0 && id < tokenizer.vocabSize);
  for (const text of TEXTS) {
    const ids = tokenizer.encode(text);
    expect(areIds(ids)).toBe(true);
    expect(typeof tokenizer.decode(ids, { skipSpecialTokens: false })).toBe('string');
    const stream = tokenizer.createStreamDecoder();
    for (const id of ids) expect(typeof stream.push(id)).toBe('string');
    expect(typeof stream.end()).toBe('string');
    expect(areIds(tokenizer.applyChatTemplate(text))).toBe(true);
    expect(areIds(tokenizer.encodeResponse(text).slice(0, -1))).toBe(true);
  }
  expect(tokenizer.decode([0, 5, 999_999], { skipSpecialTokens: true })).toBeTypeOf('string');
  expect(tokenizer.eosTokenIds.length).toBeGreaterThan(0);
}

describe('malformed tokenizers', () => {
  it('are refused or give ids of their vocabulary (1600 cases)', async () => {
    for (const base of bases) use({ tokenizerJson: base, tokenizerConfigJson: CONFIG });
    const tally = await fuzz('tokenizer.json', 1600, (rng) => {
      const tokenizerJson = mutateJson(bases[rng.int(bases.length)], rng);
      return { bytes: JSON.stringify(tokenizerJson).length * 4, run: () => use({ tokenizerJson, tokenizerConfigJson: CONFIG }) };
    });
    expect(tally.refused).toBeGreaterThan(400);
    expect(tally.valid).toBeGreaterThan(250);
  });

  it('are refused or opened when the files beside say something else (400 cases)', async () => {
    const tally = await fuzz('tokenizer_config.json', 400, (rng) => {
      const [tokenizerConfigJson, generationConfigJson] = [mutateJson(CONFIG, rng), mutateJson({ eos_token_id: [1, 2] }, rng)];
      return { bytes: 4000, run: () => use({ tokenizerJson: bases[rng.int(bases.length)], tokenizerConfigJson, generationConfigJson }) };
    });
    expect(tally.refused).toBeGreaterThan(30);
    expect(tally.valid).toBeGreaterThan(100);
  });
});

const PATTERN_PARTS = ['a', '.', ' ', '\\s', '\\p{L}', '\\p{N}', '[^\\s\\p{L}]', '[a-z&&[^b]]', '[[:alpha:]]', '\\w', '\\d', '(?:', '(', ')', '(?i:', '(?=', '(?!', '(?<=', '(?>', '|', '*', '+', '?', '{1,3}', '{2,}', '{1000}', '{,5}', '*?', '++', '^', '$', '\\b', '\\1', '\\', '[', ']', '\\x{41}', '\\u0041', '\\R', '\\X', '(?<n>', '\\k<n>', '(?(1)', '(?#', "'s", '\\A', '\\z', '😀', '\u0000'];
const PATTERN = "(?i:'s|'t|'re)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

describe('patterns from outside', () => {
  it('are refused or come to an end on long texts (600 cases)', async () => {
    const long = ['a'.repeat(500), ' '.repeat(500), 'ab 1\n'.repeat(100), `${'a'.repeat(300)}!`, "'s".repeat(200)];
    const tally = await fuzz('pattern', 600, (rng) => {
      const source = rng.next() < 0.3 ? mutateText(PATTERN, rng) : Array.from({ length: 1 + rng.int(10) }, () => PATTERN_PARTS[rng.int(PATTERN_PARTS.length)]).join('');
      return {
        bytes: 4000,
        run() {
          const pattern = compilePattern({ Regex: source }, 'x');
          for (const text of long) expect(text.replace(pattern, '').length).toBeLessThanOrEqual(text.length);
        },
      };
    });
    expect(tally.refused).toBeGreaterThan(150);
    expect(tally.valid).toBeGreaterThan(50);
  });
});

const { templates } = JSON.parse(readFileSync(new URL('./reference/chat-templates.json', import.meta.url), 'utf8')) as { templates: { source: string }[] };
const TEMPLATE_PARTS = ['{% for m in messages %}', '{% for i in range(10000) %}', '{% for i in x %}', '{% endfor %}', '{% if x %}', '{% else %}', '{% endif %}', '{% set x = messages %}', '{% set x = x + x %}', '{% set x = x ~ x %}', "{% set x = 'ab' %}", '{% set ns = namespace(x=1) %}', '{% set ns.x = [ns.x, ns.x] %}', '{{ ns }}', '{{ x }}', '{{ m.content }}', '{{ messages[0].content }}', "{{ messages[0]['content'] | trim }}", '{{ x | tojson(indent=2) }}', '{{ x | length }}', '{{ x | join(x) }}', "{{ x | replace('', x) }}", '{{ x | indent(999) }}', '{{ x * 1000000000 }}', '{{ 9 ** 9 ** 9 }}', '{{ x[::-1] }}', '{{ x.split() }}', '{{ none.x.y }}', '{{ undefined_name.x }}', '{{ undefined_name() }}', "{{ raise_exception('no') }}", "{{ strftime_now('%Y') }}", '{{ range(0, -1000000, -1) }}', '{% macro f(a) %}', '{{ f(1) }}', '{% endmacro %}', '{% break %}', '{% continue %}', '{# c #}', '{{', '}}', '{%', '%}', '{{ 1 / 0 }}', "{{ 'a' - 1 }}", '{{ loop.index }}', '{{ messages | selectattr("role", "equalto", "user") | list }}', '{{ x | map(attribute="a") }}', '{{ __proto__ }}', '{{ messages.constructor }}', '\n', 'text'];

describe('chat templates from outside', () => {
  const tokens = { bosToken: '<s>', eosToken: '</s>', padToken: null, unkToken: null };
  it('are refused or render, and always end (1200 cases)', async () => {
    const tally = await fuzz('template', 1200, (rng) => {
      let source: string;
      if (rng.next() < 0.5) {
        source = (templates[rng.int(templates.length)] as { source: string }).source;
        for (let i = 1 + rng.int(3); i > 0; i--) source = mutateText(source, rng);
      } else source = Array.from({ length: 1 + rng.int(14) }, () => TEMPLATE_PARTS[rng.int(TEMPLATE_PARTS.length)]).join('') + (rng.next() < 0.7 ? '{{ messages[0].content }}' : '');
      return {
        bytes: 1_000_000,
        run() {
          const template = openChatTemplate({ source, origin: 'edited' }, tokens);
          expect(typeof template.render('{{ x }} ünï')).toBe('string');
          expect(typeof template.aroundResponse('y').after).toBe('string');
        },
      };
    });
    expect(tally.refused).toBeGreaterThan(400);
    expect(tally.valid).toBeGreaterThan(60);
  });
});
