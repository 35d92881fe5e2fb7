import { beforeEach, describe, expect, it } from 'vitest';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Outcome, Response } from '../../src/records/response.ts';
import { studio } from '../store/studio.ts';
import { acceptSuggestion, acceptSuggestions, clearLabel, discardResponse, editResponse, labelResponse, suggestedLabel } from './curate.ts';
import { deletePrompts } from './prompts.ts';

const prompt: Prompt = { id: 'p', text: 'Steal a pen', set: 'harmful', split: 'curate', source: 'typed' };
const response = (id: string, text: string, outcome?: Outcome): Response => ({
  id, promptId: 'p', sample: 0, text, tokenCount: 1, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'f', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: 't',
  ...(outcome ? { verdict: { outcome, judge: 'j' } } : {}),
});
const labels = () => Object.fromEntries(Object.values(studio.getState().project.curations).map((curation) => [curation.responseId, curation.discarded ? 'discarded' : curation.label]));

beforeEach(async () => {
  await studio.clear();
  studio.record({ type: 'added', collection: 'prompts', documents: [prompt] });
  studio.record({
    type: 'added',
    collection: 'responses',
    documents: [response('a', 'Take it', 'complied'), response('b', 'No', 'refused'), response('c', 'Take it', 'complied'), response('d', 'gr blub', 'unassessed'), response('e', 'Well', 'partial')],
  });
});

describe('curating', () => {
  it('labels a response and those that say the same to the same prompt, in one deed', () => {
    labelResponse('a', 'unsafe');
    expect(labels()).toEqual({ a: 'unsafe', c: 'unsafe' });
    expect(studio.undo()?.title).toBe('Label unsafe');
    expect(labels()).toEqual({});
  });

  it('accepts a suggestion where there is one, and says so where there is none', () => {
    expect([acceptSuggestion('b'), acceptSuggestion('d'), acceptSuggestion('missing')]).toEqual([true, false, false]);
    expect(labels()).toEqual({ b: 'safe' });
  });

  it('accepts all suggestions at once, leaves decided and unassessed ones alone, and takes all back with one undo', () => {
    labelResponse('b', 'unsafe');
    discardResponse('e');
    expect(acceptSuggestions(studio.getState().project.responses)).toBe(2);
    expect(labels()).toEqual({ a: 'unsafe', c: 'unsafe', b: 'unsafe', e: 'discarded' });
    studio.undo();
    expect(labels()).toEqual({ b: 'unsafe', e: 'discarded' });
  });

  it('never reads an answer that no judge could assess as safe', () => {
    expect((['complied', 'refused', 'partial', 'incoherent', 'unassessed', undefined] as const).map(suggestedLabel)).toEqual(['unsafe', 'safe', 'partial', 'incoherent', null, null]);
  });

  it('keeps an edit beside label and original, and takes it away again', () => {
    editResponse('a', 'I will not.');
    labelResponse('a', 'unsafe');
    expect(studio.getState().project.curations.a).toMatchObject({ edit: 'I will not.', label: 'unsafe' });
    expect(studio.getState().project.responses[0]?.text).toBe('Take it');
    clearLabel('a');
    expect(studio.getState().project.curations.a?.edit).toBe('I will not.');
    editResponse('a', null);
    expect(studio.getState().project.curations.a).toBeUndefined();
  });

  it('labels a discarded response anew', () => {
    discardResponse('b');
    labelResponse('b', 'safe');
    expect(labels()).toEqual({ b: 'safe' });
  });

  it('deletes prompts with their responses and labels, and brings all back', () => {
    labelResponse('b', 'safe');
    const before = studio.getState().project;
    deletePrompts(['p']);
    expect([studio.getState().project.prompts, studio.getState().project.responses, labels()]).toEqual([[], [], {}]);
    studio.undo();
    expect(studio.getState().project.responses).toEqual(before.responses);
    expect(studio.getState().project.curations).toEqual(before.curations);
  });
});
