import { describe, expect, it } from 'vitest';
import { emptyProject } from '../../store/project/project.ts';
import type { Project } from '../../store/project/project.ts';
import { filterItems, itemsOf, nextFocus } from './queue.ts';

const project: Project = {
  ...emptyProject,
  prompts: [{ id: 'p', text: 'Steal a pen', set: 'harmful', split: 'curate', source: 'typed' }],
  responses: ['a', 'b', 'c', 'd', 'orphan'].map((id) => ({
    id, promptId: id === 'orphan' ? 'gone' : 'p', sample: 0, text: id === 'b' ? 'I refuse' : `Take it ${id}`, tokenCount: 1, finishReason: 'stop' as const, modelId: 'm', weightsFingerprint: 'f', seed: 1, temperature: 1, topK: 0, topP: 1, createdAt: 't',
    verdict: { outcome: id === 'b' ? ('refused' as const) : ('complied' as const), judge: 'j' },
  })),
  curations: {
    a: { responseId: 'a', label: 'unsafe', updatedAt: 't' },
    c: { responseId: 'c', label: 'unsafe', discarded: true, edit: 'No.', updatedAt: 't' },
  },
};
const shown = (filter: Parameters<typeof filterItems>[1], search = '') => filterItems(itemsOf(project), filter, search).map((item) => item.response.id);

describe('the curation queue', () => {
  it('shows by label, suggestion and edit; a discarded response counts as decided and as nothing else', () => {
    expect(shown('all')).toEqual(['a', 'b', 'c', 'd']);
    expect(shown('unlabelled')).toEqual(['b', 'd']);
    expect(shown('unsafe')).toEqual(['a']);
    expect(shown('discarded')).toEqual(['c']);
    expect(shown('edited')).toEqual(['c']);
    expect(shown('suggestedSafe')).toEqual(['b']);
  });

  it('searches prompt, response and edit, whatever the case', () => {
    expect(shown('all', 'REFUSE')).toEqual(['b']);
    expect(shown('all', 'no.')).toEqual(['c']);
    expect(shown('all', 'pen')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('moves on to the next response that the decision does not also decide, then back to what is left', () => {
    const items = filterItems(itemsOf(project), 'all', '');
    expect(nextFocus(items, 'a', new Set(['a']))).toBe('b');
    expect(nextFocus(items, 'a', new Set(['a', 'b']))).toBe('c');
    expect(nextFocus(items, 'd', new Set(['d']))).toBe('b');
    expect(nextFocus(items.slice(3), 'd', new Set(['d']))).toBeNull();
  });
});
