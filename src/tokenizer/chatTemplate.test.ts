import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { openChatTemplate, ownTemplate, type TemplateTokens } from './chatTemplate.ts';
import { DEFAULT_INSTRUCTION_TEMPLATE } from './instructionTemplate.ts';

interface Reference {
  answers: string[];
  templates: { name: string; source: string; bosToken: string | null; eosToken: string | null; cases: { prompt: string; rendered: string; answered: string[] }[] }[];
}
const { answers, templates } = JSON.parse(readFileSync(new URL('../testing/reference/chat-templates.json', import.meta.url), 'utf8')) as Reference;
const NO_TOKENS: TemplateTokens = { bosToken: '<s>', eosToken: '</s>', padToken: null, unkToken: null };
const open = (source: string, tokens: Partial<TemplateTokens> = {}) => openChatTemplate({ source, origin: 'edited' }, { ...NO_TOKENS, ...tokens });
const failureOf = (run: () => unknown): EngineError => {
  try {
    run();
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown;
    throw thrown;
  }
  throw new Error('it did not fail');
};

describe.each(templates)('a template of the form of $name', ({ source, bosToken, eosToken, cases }) => {
  const template = open(source, { bosToken, eosToken });

  it('renders prompts and answered prompts as transformers does', () => {
    for (const { prompt, rendered, answered } of cases) {
      expect(template.render(prompt)).toBe(rendered);
      expect(answers.map((answer) => template.renderTurn(prompt, answer))).toEqual(answered);
    }
  });

  it('tells what surrounds a response', () => {
    const { before, after } = template.aroundResponse('x');
    const whole = template.renderTurn('x', 'Fine.');
    if (whole.startsWith(template.render('x'))) expect(whole).toBe(`${template.render('x')}${before}Fine.${after}`);
    else expect(before).toBe('');
  });
});

describe('chat templates', () => {
  it('are the plain instruction layout where a model has none, which the person can see', () => {
    expect(ownTemplate(undefined)).toEqual({ source: DEFAULT_INSTRUCTION_TEMPLATE, origin: 'instruction' });
    expect(ownTemplate('  ')).toMatchObject({ origin: 'instruction' });
    expect(open(DEFAULT_INSTRUCTION_TEMPLATE).render('Sing.')).toBe('<s>### Instruction:\nSing.\n\n### Response:\n');
    expect(open(DEFAULT_INSTRUCTION_TEMPLATE).aroundResponse('Sing.')).toEqual({ before: '', after: '</s>\n\n' });
  });

  it('are chosen by name where a model has several', () => {
    expect(ownTemplate([{ name: 'tool_use', template: 'A' }, { name: 'default', template: 'B' }])).toEqual({ source: 'B', origin: 'model' });
    expect(ownTemplate({ default: 'C' })).toEqual({ source: 'C', origin: 'model' });
  });

  it('ask models that think aloud for the answer alone', () => {
    expect(open('{{ messages[0].content }}{% if enable_thinking %}<think>{% endif %}').render('Why?')).toBe('Why?');
  });

  it('write one and the same date every day', () => {
    expect(open("{{ strftime_now('%d %b %Y, %-d %B') }} {{ messages[0].content }}").render('x')).toBe('26 Jul 2024, 26 July x');
  });

  it.each([
    ['an unknown statement', 'a\nb {{ messages }}\n{% foo %}\nc', 3],
    ['a block that is not closed', 'a\n{% for m in messages %}\n{{ m.content }}\n', 3],
    ['an expression that is not closed', 'a\n\n{{ messages[0].content\nx\n', 3],
    ['words without an operator', '{{ messages }}\n{{ a b }}\n', 2],
    ['a comment without an end', '1\n2\n{# so\n4\n', 3],
  ])('name the line of %s', (_, source, line) => {
    const failure = failureOf(() => open(source));
    expect(failure.code).toBe('unsupported');
    expect(Math.abs(Number(/line (\d+)/.exec(failure.message)?.[1]) - line)).toBeLessThanOrEqual(1);
  });

  it('must hold the prompt', () => {
    expect(failureOf(() => open('Hello.')).message).toMatch(/leaves the prompt out/);
  });

  it('say what they refuse in their own words', () => {
    expect(failureOf(() => open("{{ raise_exception('Only tools.') }}")).message).toBe('chat template: Only tools.');
  });

  it.each([
    ['loops over a range', '{% for i in range(1000000000) %}x{% endfor %}'],
    ['nested loops', '{% for i in range(9000) %}{% for j in range(9000) %}{% for k in range(9000) %}{% endfor %}{% endfor %}{% endfor %}'],
    ['a text that doubles', "{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}"],
    ['a list that doubles', '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}'],
    ['lists within lists', '{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}'],
    ['a namespace within itself', '{% set ns = namespace(x=1) %}{% set ns.x = ns %}{% set ns.y = ns %}{{ ns }}'],
    ['wide indents', "{{ messages[0].content | indent(400000000, true) }}"],
    ['wide JSON', '{{ messages | tojson(indent=400000000) }}'],
    ['long replacements', "{% set a = 'a' * 3 %}{% set ns = namespace(x='abcdefgh') %}{% for i in range(18) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x | replace('a', ns.x) }}"],
    ['macros that call themselves', '{% macro m(x) %}{{ m(x) }}{% endmacro %}{{ m(1) }}'],
    ['two macros that call each other twice', '{% macro a(x) %}{% if x < 40 %}{{ a(x + 1) }}{{ a(x + 1) }}{% endif %}{% endmacro %}{{ a(0) }}'],
    ['deep nesting', `{{ ${'('.repeat(20000)}1${')'.repeat(20000)} }}`],
    ['a break outside of a loop', '{% break %}'],
  ])('are refused for %s, without hanging or filling the memory', (_, source) => {
    const failure = failureOf(() => open(`${source}{{ messages[0].content }}`));
    expect(failure.code).toBe('unsupported');
    expect(failure.message).toMatch(/^chat template/);
  });
});
