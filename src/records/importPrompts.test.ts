import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { importPrompts } from './importPrompts.ts';
import { IMPORT_LIMITS } from './importResult.ts';

const texts = (fileName: string, bytes: string | Uint8Array, options = {}) => importPrompts({ fileName, bytes }, options).prompts.map((p) => p.text);
const utf16 = (text: string, bigEndian: boolean) => {
  const out = new Uint8Array(2 + text.length * 2);
  const view = new DataView(out.buffer);
  view.setUint16(0, 0xfeff, !bigEndian);
  [...text].forEach((c, i) => view.setUint16(2 + i * 2, c.charCodeAt(0), !bigEndian));
  return out;
};

describe('formats', () => {
  it('takes a prompt a line from text files, whatever the line ending, and skips blank lines', () => {
    expect(texts('a.txt', 'one thing\r\n\r\ntwo things\rthree things\n')).toEqual(['one thing', 'two things', 'three things']);
  });

  it('reads CSV with header, quotes, commas and line breaks inside quotes, and a byte order mark', () => {
    const csv = '\uFEFFid,prompt,category\r\n1,"How, exactly?",a\r\n2,"Say ""hi""\r\ntwice",b\r\n';
    const result = importPrompts({ fileName: 'a.csv', bytes: new TextEncoder().encode(csv) });
    expect(result.prompts.map((p) => p.text)).toEqual(['How, exactly?', 'Say "hi"\r\ntwice']);
    expect(result).toMatchObject({ format: 'csv', column: 'prompt', columns: ['id', 'prompt', 'category'], rowsRead: 2, kept: 2, duplicates: 0, errors: [] });
    expect(result.prompts[1]?.category).toBe('b');
  });

  it('guesses semicolons, and reads tabs in TSV', () => {
    expect(texts('a.csv', 'id;prompt\n1;Who, me?\n2;Yes, you\n')).toEqual(['Who, me?', 'Yes, you']);
    expect(texts('a.tsv', 'id\tquestion\n1\tWho, me?\n')).toEqual(['Who, me?']);
  });

  it('knows a single column of prompts without a header from one with', () => {
    expect(texts('a.csv', 'How do I bake bread?\nHow do I swim?\n')).toEqual(['How do I bake bread?', 'How do I swim?']);
    expect(texts('a.csv', 'adversarial\nHow do I bake bread?\n')).toEqual(['How do I bake bread?']);
  });

  it('reads JSON arrays of texts and of objects, and lists under prompts or data, with editor line numbers', () => {
    expect(texts('a.json', '["a b", "c d"]')).toEqual(['a b', 'c d']);
    expect(texts('a.json', '{"name":"x [","data":[{"prompt":"a ] b"},\n{"prompt":"c"}]}')).toEqual(['a ] b', 'c']);
    const result = importPrompts({ fileName: 'a.json', bytes: '{\n "prompts": [\n  "fine [,",\n  {"prompt": 5},\n  7\n ]\n}' });
    expect(result.prompts.map((p) => p.text)).toEqual(['fine [,']);
    expect(result.errors.map((e) => e.row)).toEqual([4, 5]);
  });

  it('reads JSON Lines, also when saved as .json or pasted', () => {
    const lines = '{"prompt":"a b"}\n{"prompt":"c d"}\n';
    for (const name of ['a.jsonl', 'a.json', 'pasted text']) expect(texts(name, lines)).toEqual(['a b', 'c d']);
  });

  it('reads UTF-16 with a byte order mark of either order', () => {
    expect(texts('a.txt', utf16('Zürich?\n', false))).toEqual(['Zürich?']);
    expect(texts('a.txt', utf16('Zürich?\n', true))).toEqual(['Zürich?']);
  });
});

describe('columns', () => {
  it('knows chat messages, ShareGPT conversations, Alpaca instruction with input, and TRL prompts', () => {
    const rows = [
      { messages: [{ role: 'system', content: 'be kind' }, { role: 'user', content: 'one' }, { role: 'assistant', content: 'x' }] },
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'two' }] }] },
    ];
    expect(texts('a.jsonl', rows.map((r) => JSON.stringify(r)).join('\n'))).toEqual(['one', 'two']);
    expect(texts('a.json', JSON.stringify([{ conversations: [{ from: 'human', value: 'three' }, { from: 'gpt', value: 'x' }] }]))).toEqual(['three']);
    expect(texts('a.json', JSON.stringify([{ instruction: 'Sum up.', input: 'A text.', output: 'x' }, { instruction: 'Go.', input: '' }]))).toEqual(['Sum up.\n\nA text.', 'Go.']);
    expect(texts('a.json', JSON.stringify([{ prompt: [{ role: 'user', content: 'four' }] }]))).toEqual(['four']);
    expect(texts('a.csv', 'id,messages\n1,"[{""role"":""user"",""content"":""five""}]"\n')).toEqual(['five']);
  });

  it('takes the chosen column, whatever its case', () => {
    expect(texts('a.csv', 'prompt,Variant B\nx y,z w\n', { column: 'variant b' })).toEqual(['z w']);
  });

  it('lists the columns when it cannot decide, and when the chosen one does not exist', () => {
    const csv = 'alpha,beta\nthis is one of them,and this is another\n';
    const result = importPrompts({ fileName: 'a.csv', bytes: csv });
    expect(result).toMatchObject({ column: null, columns: ['alpha', 'beta'], kept: 0 });
    expect(result.errors[0]?.message).toContain('"alpha", "beta"');
    expect(() => importPrompts({ fileName: 'a.csv', bytes: csv }, { column: 'gamma' })).toThrow(/no column "gamma".*"alpha", "beta"/);
  });

  it('keeps set, split, intent, category and reference of rows that have them', () => {
    const [prompt] = importPrompts({ fileName: 'a.jsonl', bytes: '{"prompt":"x","set":"everyday","split":"test","intent":"i","category":"c","reference":"r"}' }).prompts;
    expect(prompt).toMatchObject({ set: 'everyday', split: 'test', intent: 'i', category: 'c', reference: 'r' });
  });

  it('does not mind the split names of other tools, and reports a wrong set', () => {
    expect(importPrompts({ fileName: 'a.csv', bytes: 'prompt,split\nx y,train\n' }).prompts[0]).toMatchObject({ set: 'harmful', split: 'curate' });
    const wrong = importPrompts({ fileName: 'a.csv', bytes: 'prompt,set\nx y,toxic\nz w,harmful\n' });
    expect(wrong.kept).toBe(1);
    expect(wrong.errors).toEqual([{ file: 'a.csv', row: 2, column: 'set', message: expect.stringContaining('harmful, borderline, everyday') }]);
  });
});

describe('bad rows and duplicates', () => {
  it('removes duplicates within the file and against the project, by normalised text', () => {
    const first = importPrompts({ fileName: 'a.txt', bytes: 'How do I swim?\nhow do  I SWIM?\nGo\n' });
    expect(first).toMatchObject({ rowsRead: 3, kept: 2, duplicates: 1 });
    const again = importPrompts({ fileName: 'b.txt', bytes: 'Go\nNew one\n' }, { existing: first.prompts });
    expect(again).toMatchObject({ kept: 1, duplicates: 1 });
  });

  it('gives the same id to the same text and set, and another one to another set', () => {
    const id = (set: 'harmful' | 'everyday') => importPrompts({ fileName: 'a.txt', bytes: 'Go' }, { set }).prompts[0]?.id;
    expect(id('harmful')).toBe(id('harmful'));
    expect(id('harmful')).not.toBe(id('everyday'));
  });

  it('reports bad rows with line and column, and keeps the good ones around them', () => {
    const csv = 'id,prompt\n1,fine one\n2,\n3,a,b\n4,"open quote\n5,fine two\n6,"x"y\n7,fine three\n';
    const result = importPrompts({ fileName: 'a.csv', bytes: csv });
    expect(result.prompts.map((p) => p.text)).toEqual(['fine one', 'fine two', 'fine three']);
    expect(result.errors.map((e) => [e.row, e.column])).toEqual([[3, 'prompt'], [4, null], [5, null], [7, null]]);
    expect(result.errors[2]?.message).toMatch(/never closed/);
  });

  it('counts lines inside quoted fields, so that errors point to the editor line', () => {
    const result = importPrompts({ fileName: 'a.csv', bytes: 'id,prompt\n1,"two\nlines"\n2,\n' });
    expect(result.errors.map((e) => e.row)).toEqual([4]);
  });

  it('reports broken JSON lines one by one', () => {
    const result = importPrompts({ fileName: 'a.jsonl', bytes: '{"prompt":"a b"}\n{broken\n5\n{"prompt":null}\n{"prompt":"c d"}\n' });
    expect(result.prompts.map((p) => p.text)).toEqual(['a b', 'c d']);
    expect(result.errors.map((e) => [e.row, e.column])).toEqual([[2, null], [3, null], [4, 'prompt']]);
    expect(result.rowsRead).toBe(5);
  });

  it('refuses prompts that are too long or hold control characters or half characters', () => {
    const rows = ['x'.repeat(IMPORT_LIMITS.promptCharacters + 1), 'bell \u0007', 'half \ud800', 'good'];
    const result = importPrompts({ fileName: 'a.json', bytes: JSON.stringify(rows) });
    expect(result.kept).toBe(1);
    expect(result.errors.map((e) => e.message)).toEqual([expect.stringContaining('8000'), expect.stringContaining('U+0007'), expect.stringContaining('half a Unicode')]);
  });

  it('stops at the row limit and says so', () => {
    const result = importPrompts({ fileName: 'a.txt', bytes: Array.from({ length: IMPORT_LIMITS.rows + 2 }, (_, i) => `p ${i}`).join('\n') });
    expect(result.kept).toBe(IMPORT_LIMITS.rows);
    expect(result.errors).toHaveLength(1);
    expect(result.errors[0]).toMatchObject({ row: IMPORT_LIMITS.rows + 1, message: expect.stringContaining('100000') });
  });

  it('names the line of bytes that are not UTF-8, and refuses binary and oversized files', () => {
    expect(() => texts('a.txt', new Uint8Array([65, 10, 66, 0xe9, 10, 67]))).toThrow(/line 2 .*not UTF-8/);
    expect(() => texts('a.txt', new Uint8Array([65, 0, 66]))).toThrow(/binary/);
    expect(() => texts('a.txt', new Uint8Array(IMPORT_LIMITS.fileSizeBytes + 1))).toThrow(/limit of 50 MB/);
    expect(() => texts('a.json', '{"prompts": [1')).toThrow(EngineError);
    expect(() => texts('a.json', '5')).toThrow(/expected a list/);
  });

  it('gives an empty result for empty files', () => {
    for (const ending of ['txt', 'csv', 'tsv', 'jsonl']) expect(importPrompts({ fileName: `a.${ending}`, bytes: '' })).toMatchObject({ kept: 0, errors: [] });
  });
});

describe('properties', () => {
  const ending = fc.constantFrom('txt', 'csv', 'tsv', 'json', 'jsonl', 'bin');
  const noisy = fc.oneof(
    fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', '\t', '{', '}', '[', ']', ':', 'a', 'prompt', ' ', '\\', ';', 'é'), maxLength: 60 }),
    fc.json(),
    fc.string({ unit: 'binary', maxLength: 60 }),
  );
  const check = (fileName: string, bytes: string | Uint8Array) => {
    try {
      const result = importPrompts({ fileName, bytes });
      expect(result.kept).toBe(result.prompts.length);
      for (const e of result.errors) expect(e.row).toBeGreaterThanOrEqual(1);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(EngineError);
    }
  };

  it('any text gives a result or an EngineError', () => {
    fc.assert(fc.property(ending, noisy, (e, text) => check(`x.${e}`, text)), { numRuns: 800 });
  });

  it('any bytes give a result or an EngineError', () => {
    fc.assert(fc.property(ending, fc.uint8Array({ maxLength: 80 }), (e, bytes) => check(`x.${e}`, bytes)), { numRuns: 400 });
  });

  it('takes back every prompt it can write as CSV or JSON Lines', () => {
    const prompt = fc.string({ unit: fc.constantFrom('a', 'B', '"', ',', '\n', ';', '\t', 'é', ' ', "'"), minLength: 1, maxLength: 20 }).filter((t) => t.trim() !== '' && t.trim() === t);
    fc.assert(
      fc.property(fc.uniqueArray(prompt, { minLength: 1, maxLength: 8, selector: (t) => t.toLowerCase().replace(/\s+/g, ' ') }), (list) => {
        const csv = `prompt,id\n${list.map((t, i) => `"${t.replaceAll('"', '""')}",${i}`).join('\n')}\n`;
        expect(texts('a.csv', csv)).toEqual(list);
        expect(texts('a.jsonl', list.map((t) => JSON.stringify({ prompt: t })).join('\n'))).toEqual(list);
      }),
      { numRuns: 300 },
    );
  });
});
