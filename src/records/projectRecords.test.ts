import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBuiltIn } from './builtInPrompts.ts';
import { exportDatasets } from './exportDatasets.ts';
import { importPrompts } from './importPrompts.ts';
import type { ProjectDocuments } from './projectRecords.ts';
import { parseProjectRecords, writeProjectRecords } from './projectRecords.ts';
import type { Response } from './response.ts';

const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 });
const maybe = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: undefined });
const time = fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((d) => d.toISOString());
const clean = <T extends object>(value: T) => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

const documents: fc.Arbitrary<ProjectDocuments> = fc
  .array(
    fc.record({
      prompt: fc.record({
        text: line, set: fc.constantFrom('harmful', 'borderline', 'everyday' as const), split: fc.constantFrom('curate', 'validation', 'test' as const),
        intent: maybe(line), category: maybe(line), reference: maybe(line), source: fc.constantFrom('built-in', 'imported', 'typed' as const),
      }),
      responses: fc.array(
        fc.record({
          response: fc.record({
            text: fc.string({ unit: 'grapheme' }), tokenCount: fc.nat(99), finishReason: fc.constantFrom('stop', 'length', 'cancelled' as const), modelId: line, weightsFingerprint: line,
            seed: fc.integer({ min: 0, max: 0xffffffff }), temperature: fc.double({ min: 0, max: 5, noNaN: true }).map((t) => t + 0), topK: fc.nat(), topP: fc.double({ min: 0, max: 1, noNaN: true }).map((t) => t + 0), createdAt: time,
            verdict: maybe(
              fc
                .record({ outcome: fc.constantFrom('complied', 'refused', 'partial', 'incoherent', 'unassessed' as const), judge: line, reason: maybe(line), score: maybe(fc.double({ min: 0, max: 1, noNaN: true }).map((t) => t + 0)) })
                .map(clean),
            ),
          }),
          curation: maybe(fc.record({ label: maybe(fc.constantFrom('safe', 'unsafe', 'partial', 'incoherent', 'skipped' as const)), edit: maybe(fc.string()), discarded: maybe(fc.boolean()), updatedAt: time })),
        }),
        { maxLength: 3 },
      ),
    }),
    { maxLength: 6 },
  )
  .map((groups) => {
    const all: ProjectDocuments = { prompts: [], responses: [], curations: [] };
    groups.forEach(({ prompt, responses }, i) => {
      all.prompts.push(clean({ id: `p${i}`, ...prompt }));
      responses.forEach(({ response, curation }, j) => {
        all.responses.push(clean({ id: `r${i}-${j}`, promptId: `p${i}`, sample: j, ...response }));
        if (curation) all.curations.push(clean({ responseId: `r${i}-${j}`, ...curation }));
      });
    });
    return all;
  });

const response = (id: string, text: string): Response => ({
  id, promptId: 'p', sample: 0, text, tokenCount: 3, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'f', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: '2026-01-01T00:00:00.000Z',
});
const updatedAt = '2026-01-02T00:00:00.000Z';
const project: ProjectDocuments = {
  prompts: [
    { id: 'p', text: 'How?', set: 'harmful', split: 'curate', source: 'imported' },
    { id: 'q', text: 'Why?', set: 'everyday', split: 'curate', source: 'typed' },
  ],
  responses: [response('a', 'Sure.'), response('b', 'No.'), response('c', 'Okay.'), response('d', 'Hm.'), response('e', 'Gone.')],
  curations: [
    { responseId: 'a', label: 'unsafe', edit: 'I would rather not.', updatedAt },
    { responseId: 'b', label: 'safe', updatedAt },
    { responseId: 'c', label: 'unsafe', updatedAt },
    { responseId: 'd', label: 'skipped', updatedAt },
    { responseId: 'e', label: 'unsafe', discarded: true, edit: 'Never.', updatedAt },
  ],
};

describe('full records', () => {
  it('come back exactly as they were written', () => {
    fc.assert(
      fc.property(documents, (all) => {
        const { prompts, responses, curations, errors } = parseProjectRecords({ fileName: 'records.jsonl', bytes: new TextEncoder().encode(writeProjectRecords(all)) });
        expect({ prompts, responses, curations, errors }).toEqual({ ...all, errors: [] });
        expect(Object.keys(prompts[0] ?? {})).toEqual(Object.keys(all.prompts[0] ?? {}));
      }),
      { numRuns: 300 },
    );
  });

  it('are recognised by the importer, and importing them twice adds no prompt', () => {
    const bytes = writeProjectRecords(project);
    const first = importPrompts({ fileName: 'anything.jsonl', bytes });
    expect(first).toMatchObject({ format: 'records', kept: 2, prompts: project.prompts, responses: project.responses, curations: project.curations });
    expect(importPrompts({ fileName: 'anything.jsonl', bytes }, { existing: project.prompts })).toMatchObject({ kept: 0, duplicates: 2 });
  });

  it('attach responses to the prompt the project has under another id', () => {
    const existing = [{ ...project.prompts[0]!, id: 'mine' }];
    const result = importPrompts({ fileName: 'r.jsonl', bytes: writeProjectRecords(project) }, { existing });
    expect(result.prompts.map((p) => p.id)).toEqual(['q']);
    expect(new Set(result.responses.map((r) => r.promptId))).toEqual(new Set(['mine']));
  });

  it('report bad lines with row and field, and keep the others', () => {
    const lines = writeProjectRecords(project).trimEnd().split('\n');
    const bad = [lines[0], '{', lines[1]!.replace('"split":"curate"', '"split":"tset"'), lines[0], lines[5]].join('\n');
    const result = parseProjectRecords({ fileName: 'r.jsonl', bytes: bad });
    expect(result.errors.map((e) => [e.row, e.column])).toEqual([[2, null], [3, 'split'], [4, 'response.id']]);
    expect(result.prompts).toHaveLength(2);
    expect(result.responses).toHaveLength(1);
  });

  it('refuse to write responses and labels that point nowhere', () => {
    expect(() => writeProjectRecords({ ...project, prompts: [] })).toThrow(/not among the prompts/);
    expect(() => writeProjectRecords({ ...project, responses: [] })).toThrow(/not among the responses/);
  });
});

describe('data sets', () => {
  const files = Object.fromEntries(exportDatasets(project).map((f) => [f.path, f]));
  const rows = (path: string) => files[path]!.text.trimEnd().split('\n').map((l) => JSON.parse(l) as unknown);

  it('hold labels as unpaired preference, without skipped and discarded answers', () => {
    expect(rows('unpaired_preference.jsonl')).toEqual([
      { prompt: 'How?', completion: 'Sure.', label: false },
      { prompt: 'How?', completion: 'No.', label: true },
      { prompt: 'How?', completion: 'Okay.', label: false },
    ]);
  });

  it('hold rewrites as chosen and originals as rejected', () => {
    expect(rows('preference.jsonl')).toEqual([{ prompt: 'How?', chosen: 'I would rather not.', rejected: 'Sure.' }]);
  });

  it('hold rewrites and safe answers as messages', () => {
    expect(rows('sft.jsonl')).toEqual(
      ['I would rather not.', 'No.'].map((content) => ({ messages: [{ role: 'user', content: 'How?' }, { role: 'assistant', content }] })),
    );
  });

  it('count their rows, and import again as prompts', () => {
    expect(exportDatasets(project).map((f) => f.rows)).toEqual([3, 1, 2, 6]);
    for (const f of exportDatasets(project)) expect(importPrompts({ fileName: f.path, bytes: f.text }).prompts[0]?.text).toBe('How?');
  });
});

describe('built-in prompts', () => {
  it('keep their ids, and name the line of a mistake', () => {
    const row = { id: 'x', set: 'everyday', split: 'test', intent: 'i', category: 'c', prompt: 'How?', reference: 'So.' };
    expect(parseBuiltIn(`${JSON.stringify(row)}\n`)).toEqual([{ id: 'x', set: 'everyday', split: 'test', intent: 'i', category: 'c', text: 'How?', reference: 'So.', source: 'built-in' }]);
    expect(() => parseBuiltIn(`${JSON.stringify(row)}\n${JSON.stringify({ ...row, set: 'bad' })}`, 'e.jsonl')).toThrow(/e\.jsonl: line 2: set/);
  });
});
