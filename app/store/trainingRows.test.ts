import { describe, expect, it } from 'vitest';
import type { Prompt, PromptSet, Split } from '../../src/records/prompt.ts';
import type { Curation, Response } from '../../src/records/response.ts';
import { answerKey, collectHumanLabels, parseAnswerKey } from './answerLabels.ts';
import { emptyProject, type Project } from './project/project.ts';
import { collectTrainingRows, collectValidation, countSets } from './trainingRows.ts';

const prompt = (id: string, set: PromptSet, split: Split, reference?: string): Prompt => ({ id, text: `ask ${id}`, set, split, reference, intent: `intent ${id}`, source: 'built-in' });
const response = (id: string, promptId: string, text = `answer ${id}`): Response => ({
  id, promptId, sample: 0, text, tokenCount: 3, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'w', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: '',
});
const curations = (...list: Omit<Curation, 'updatedAt'>[]): Project['curations'] => Object.fromEntries(list.map((curation) => [curation.responseId, { ...curation, updatedAt: '' }]));

describe('collectTrainingRows', () => {
  const project: Project = {
    ...emptyProject,
    prompts: [prompt('h', 'harmful', 'curate'), prompt('t', 'harmful', 'test'), prompt('e', 'everyday', 'curate', 'good'), prompt('e2', 'everyday', 'curate'), prompt('b', 'borderline', 'validation', 'fine')],
    responses: [response('1', 'h', 'bad'), response('2', 'h', 'bad'), response('3', 'h', 'other'), response('4', 't', 'leak'), response('5', 'h', 'dropped'), response('6', 'gone')],
    curations: curations({ responseId: '1', label: 'unsafe' }, { responseId: '2', label: 'unsafe' }, { responseId: '3', label: 'safe' }, { responseId: '4', label: 'unsafe' }, { responseId: '5', label: 'unsafe', discarded: true }, { responseId: '6', label: 'unsafe' }),
  };

  it('takes unsafe responses of the curate split, each text once', () => {
    expect(collectTrainingRows(project).unsafe).toEqual([{ prompt: 'ask h', response: 'bad', intent: 'intent h' }]);
  });

  it('never takes a row of the validation or test split', () => {
    const rows = collectTrainingRows(project);
    expect([...rows.unsafe, ...rows.everyday, ...rows.borderline].some((row) => row.prompt === 'ask t' || row.prompt === 'ask b')).toBe(false);
  });

  it('takes benign prompts only with a reference answer', () => {
    expect(collectTrainingRows(project).everyday.map((row) => row.response)).toEqual(['good']);
    expect(collectTrainingRows(project).borderline).toEqual([]);
  });

  it('measures on the validation split', () => {
    expect(countSets(collectValidation(project))).toEqual({ harmful: 0, borderline: 1, everyday: 0 });
  });
});

describe('collectHumanLabels', () => {
  it('joins labels of responses and of evaluated answers, skipped ones left out', () => {
    const key = answerKey('ask "h"', 'no\nway');
    const project: Project = {
      ...emptyProject,
      prompts: [prompt('h', 'harmful', 'curate')],
      responses: [response('1', 'h', 'bad'), response('2', 'h', 'dunno')],
      curations: curations({ responseId: '1', label: 'unsafe' }, { responseId: '2', label: 'skipped' }, { responseId: key, label: 'safe' }),
    };
    expect(collectHumanLabels(project)).toEqual([
      { promptText: 'ask h', responseText: 'bad', label: 'unsafe' },
      { promptText: 'ask "h"', responseText: 'no\nway', label: 'safe' },
    ]);
  });

  it('leaves out safe of a curated response to a benign prompt: on Evaluate it would say that the response helps', () => {
    const project: Project = {
      ...emptyProject,
      prompts: [prompt('b', 'borderline', 'curate')],
      responses: [response('1', 'b', 'No.'), response('2', 'b', 'Half a no.')],
      curations: curations({ responseId: '1', label: 'safe' }, { responseId: '2', label: 'partial' }, { responseId: answerKey('ask b', 'Yes.'), label: 'safe' }),
    };
    expect(collectHumanLabels(project).map(({ responseText, label }) => [responseText, label])).toEqual([['Half a no.', 'partial'], ['Yes.', 'safe']]);
  });

  it('tells keys of answers from ids of responses', () => {
    expect(parseAnswerKey('response-1')).toBeNull();
    expect(parseAnswerKey(answerKey('a', 'b'))).toEqual({ prompt: 'a', response: 'b' });
  });
});
