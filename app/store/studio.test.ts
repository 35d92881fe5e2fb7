import 'fake-indexeddb/auto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Response } from '../../src/records/response.ts';
import { defaultDrafts, migrateDrafts } from './drafts/drafts.ts';
import { openProjectDb } from './project/projectDb.ts';
import type { Project } from './project/project.ts';
import type { ProjectEvent } from './project/projectEvent.ts';
import { createStudio } from './studio.ts';
import type { Studio } from './studio.ts';

const prompt = (id: string): Prompt => ({ id, text: `text of ${id}`, set: 'harmful', split: 'curate', source: 'typed' });
const response = (id: string): Response => ({
  id, promptId: 'p0', sample: 0, text: id, tokenCount: 1, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'f', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: 't',
});
/** What a person can see; places and counters are bookkeeping. */
const documents = ({ prompts, responses, reports, curations }: Project) => ({ prompts, responses, reports, curations });
const seen = (studio: Studio) => documents(studio.getState().project);
const memoryStorage = () => {
  const map = new Map<string, string>();
  return { getItem: (key: string) => map.get(key) ?? null, setItem: (key: string, value: string) => void map.set(key, value) };
};

const ids = fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 5 });
const simple: fc.Arbitrary<ProjectEvent> = fc.oneof(
  ids.map((list): ProjectEvent => ({ type: 'added', collection: 'prompts', documents: list.map((n) => prompt(`p${n}`)) })),
  ids.map((list): ProjectEvent => ({ type: 'added', collection: 'responses', documents: list.map((n) => response(`r${n}`)) })),
  ids.map((list): ProjectEvent => ({ type: 'removed', collection: 'prompts', ids: list.map((n) => `p${n}`) })),
  ids.map((list): ProjectEvent => ({ type: 'removed', collection: 'responses', ids: list.map((n) => `r${n}`) })),
  fc.tuple(ids, fc.constantFrom('harmful' as const, 'everyday' as const)).map(([list, set]): ProjectEvent => ({ type: 'promptsReplaced', prompts: list.map((n) => ({ ...prompt(`p${n}`), set })) })),
  fc.array(fc.tuple(fc.integer({ min: 0, max: 11 }), fc.constantFrom('safe' as const, 'unsafe' as const, null)), { minLength: 1, maxLength: 6 }).map(
    (list): ProjectEvent => ({ type: 'curationsSet', curations: list.map(([n, label]) => ({ responseId: `r${n}`, curation: label && { responseId: `r${n}`, label, updatedAt: 't' } })) }),
  ),
);
const event = fc.oneof(simple, fc.array(simple, { minLength: 1, maxLength: 4 }).map((events): ProjectEvent => ({ type: 'batch', events })));
const deed = fc.oneof({ weight: 5, arbitrary: event.map((value) => ({ do: 'commit' as const, value })) }, { weight: 2, arbitrary: fc.constant({ do: 'undo' as const }) }, { weight: 1, arbitrary: fc.constant({ do: 'redo' as const }) });
const perform = (studio: Studio, list: readonly ({ do: 'commit'; value: ProjectEvent } | { do: 'undo' | 'redo' })[]) => {
  for (const entry of list) {
    if (entry.do === 'commit') studio.commit('deed', entry.value);
    else studio[entry.do]();
  }
};

describe('undo and redo', () => {
  it('go back through every state in between, bulk deeds in one step, and forward again', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 15 }), (events) => {
        const studio = createStudio();
        const states = [seen(studio)];
        for (const value of events) {
          studio.commit('deed', value);
          states.push(seen(studio));
        }
        for (let index = events.length - 1; index >= 0; index -= 1) {
          expect(studio.undo()?.title).toBe('deed');
          expect(seen(studio)).toEqual(states[index]);
        }
        expect(studio.undo()).toBeNull();
        for (let index = 1; index <= events.length; index += 1) {
          studio.redo();
          expect(seen(studio)).toEqual(states[index]);
        }
        expect(studio.redo()).toBeNull();
      }),
      { numRuns: 150 },
    );
  });

  it('forget what was undone once something new is done', () => {
    const studio = createStudio();
    studio.commit('a', { type: 'added', collection: 'prompts', documents: [prompt('p0')] });
    studio.undo();
    studio.commit('b', { type: 'added', collection: 'prompts', documents: [prompt('p1')] });
    expect(studio.redo()).toBeNull();
    expect(seen(studio).prompts.map(({ id }) => id)).toEqual(['p1']);
  });

  it('leave facts alone that arrived meanwhile', () => {
    const studio = createStudio();
    studio.commit('label', { type: 'curationsSet', curations: [{ responseId: 'r0', curation: { responseId: 'r0', label: 'safe', updatedAt: 't' } }] });
    studio.record({ type: 'added', collection: 'responses', documents: [response('r0'), response('r1')] });
    expect(studio.undo()?.title).toBe('label');
    expect(seen(studio).responses).toHaveLength(2);
    expect(seen(studio).curations).toEqual({});
    expect(studio.undo()).toBeNull();
  });
});

describe('the stored project', () => {
  it('comes back after a reload with documents, undo and redo as they were', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { maxLength: 20 }), async (deeds) => {
        count += 1;
        const name = `trip-${count}`;
        const before = createStudio();
        await before.restore({ project: openProjectDb(name), drafts: null });
        perform(before, deeds);
        await before.saved();
        expect(before.getState().storageFailure).toBeNull();
        const after = createStudio();
        await after.restore({ project: openProjectDb(name), drafts: null });
        expect(seen(after)).toEqual(seen(before));
        expect(after.getState().history.done.length).toBe(before.getState().history.done.length);
        expect(after.getState().history.undone.length).toBe(before.getState().history.undone.length);
        // The whole past still works: back to the beginning, and forward to the end.
        for (const studio of [before, after]) {
          while (studio.redo());
          while (studio.undo());
        }
        expect(seen(after)).toEqual(seen(before));
        for (const studio of [before, after]) while (studio.redo());
        expect(seen(after)).toEqual(seen(before));
      }),
      { numRuns: 40 },
    );
  });

  it('is reported when it cannot be written, once, and the work goes on', async () => {
    const studio = createStudio();
    await studio.restore({
      project: {
        load: async () => null,
        write: async () => {
          throw new Error('quota exceeded');
        },
        clear: async () => undefined,
      },
      drafts: null,
    });
    studio.commit('a', { type: 'added', collection: 'prompts', documents: [prompt('p0')] });
    studio.commit('b', { type: 'added', collection: 'prompts', documents: [prompt('p1')] });
    await studio.saved();
    expect(studio.getState().storageFailure).toBe('quota exceeded');
    expect(studio.getState().notices.filter((notice) => notice.tone === 'unsafe')).toHaveLength(1);
    expect(seen(studio).prompts).toHaveLength(2);
  });

  it('is empty after clear, in memory and on disk', async () => {
    const studio = createStudio();
    const drafts = memoryStorage();
    await studio.restore({ project: openProjectDb('cleared'), drafts });
    studio.commit('a', { type: 'added', collection: 'prompts', documents: [prompt('p0')] });
    studio.edit('train', { name: 'mine' });
    await studio.clear();
    const after = createStudio();
    await after.restore({ project: openProjectDb('cleared'), drafts });
    expect(seen(after).prompts).toEqual([]);
    expect(after.getState().drafts).toEqual(defaultDrafts);
  });
});

describe('drafts', () => {
  it('come back as they were edited', async () => {
    const drafts = memoryStorage();
    const before = createStudio();
    await before.restore({ project: null, drafts });
    before.edit('generate', { samplesPerPrompt: 5 });
    before.edit('preferences', { theme: 'dark', keys: { undo: ['u'] } });
    const after = createStudio();
    await after.restore({ project: null, drafts });
    expect(after.getState().drafts).toEqual(before.getState().drafts);
  });

  it('fall back section by section when they no longer fit, and say which', () => {
    const { drafts, lost } = migrateDrafts({ version: 1, data: { generate: { samplesPerPrompt: -3 }, curate: { filter: 'unsafe' } } });
    expect(lost).toEqual(['generate']);
    expect(drafts.generate).toEqual(defaultDrafts.generate);
    expect(drafts.curate).toEqual({ ...defaultDrafts.curate, filter: 'unsafe' });
  });

  it('never crash on whatever is stored', async () => {
    fc.assert(
      fc.property(fc.anything(), (stored) => {
        expect(Object.keys(migrateDrafts(stored).drafts)).toEqual(Object.keys(defaultDrafts));
      }),
    );
    const studio = createStudio();
    await studio.restore({ project: null, drafts: { getItem: () => '{broken', setItem: () => undefined } });
    expect(studio.getState().drafts).toEqual(defaultDrafts);
    expect(studio.getState().notices).toHaveLength(1);
  });
});
