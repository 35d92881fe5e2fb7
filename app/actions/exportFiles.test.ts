import { describe, expect, it } from 'vitest';
import { answerKey } from '../store/answerLabels.ts';
import { emptyProject, type Project } from '../store/project/project.ts';
import { buildDatasets, toFileName } from './exportFiles.ts';

describe('toFileName', () => {
  it('keeps letters of any script and drops what file systems refuse', () => {
    expect(toFileName('ruhiger Otter: step 50/60')).toBe('ruhiger-Otter-step-50-60');
    expect(toFileName('../..')).toBe('sidestep');
    expect(toFileName('каланча 2')).toBe('каланча-2');
  });
});

describe('buildDatasets', () => {
  const key = answerKey('p', 'r');
  const project: Project = {
    ...emptyProject,
    prompts: [{ id: 'p', text: 'p', set: 'harmful', split: 'curate', source: 'typed' }],
    responses: [
      { id: 'a', promptId: 'p', sample: 0, text: 'bad', tokenCount: 1, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'w', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: '' },
      { id: 'b', promptId: 'gone', sample: 0, text: 'bad', tokenCount: 1, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'w', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: '' },
    ],
    curations: { a: { responseId: 'a', label: 'unsafe', edit: 'No.', updatedAt: '' }, [key]: { responseId: key, label: 'safe', updatedAt: '' } },
  };

  it('writes labels, pairs and records, and leaves labels of evaluated answers out', () => {
    const rows = Object.fromEntries(buildDatasets(project).map((file) => [file.path, file.rows]));
    expect(rows).toEqual({ 'unpaired_preference.jsonl': 1, 'preference.jsonl': 1, 'sft.jsonl': 1, 'records.jsonl': 1 });
  });

  it('has every file of an empty project, with no rows', () => {
    expect(buildDatasets(emptyProject).map((file) => file.rows)).toEqual([0, 0, 0, 0]);
  });
});
