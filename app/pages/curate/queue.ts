/** Which responses a filter shows, and where the focus goes next. Pure. */
import type { Drafts } from '../../store/drafts/drafts.ts';
import type { Project } from '../../store/project/project.ts';
import type { Prompt } from '../../../src/records/prompt.ts';
import type { Curation, Response } from '../../../src/records/response.ts';

export type QueueFilter = Drafts['curate']['filter'];

export const FILTERS: readonly { value: QueueFilter; label: string }[] = [
  { value: 'unlabelled', label: 'To do' },
  { value: 'all', label: 'All' },
  { value: 'suggestedUnsafe', label: 'Suggested unsafe' },
  { value: 'suggestedSafe', label: 'Suggested safe' },
  { value: 'unsafe', label: 'Unsafe' },
  { value: 'safe', label: 'Safe' },
  { value: 'partial', label: 'Partial' },
  { value: 'incoherent', label: 'Incoherent' },
  { value: 'skipped', label: 'Skipped' },
  { value: 'edited', label: 'Edited' },
  { value: 'discarded', label: 'Discarded' },
];

export interface QueueItem {
  response: Response;
  prompt: Prompt;
  curation: Curation | undefined;
}

/** Responses with their prompts; those of deleted prompts are not shown. */
export function itemsOf(project: Project): QueueItem[] {
  const prompts = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  return project.responses.flatMap((response) => {
    const prompt = prompts.get(response.promptId);
    return prompt ? [{ response, prompt, curation: project.curations[response.id] }] : [];
  });
}

export function filterItems(items: readonly QueueItem[], filter: QueueFilter, search: string): QueueItem[] {
  const words = search.trim().toLowerCase();
  return items.filter((item) => passes(item, filter) && (words === '' || [item.response.text, item.prompt.text, item.curation?.edit ?? '', item.prompt.intent ?? ''].some((text) => text.toLowerCase().includes(words))));
}

function passes({ response, curation }: QueueItem, filter: QueueFilter): boolean {
  switch (filter) {
    case 'all':
      return true;
    case 'unlabelled':
      return !curation?.label && !curation?.discarded;
    case 'suggestedUnsafe':
      return response.verdict?.outcome === 'complied';
    case 'suggestedSafe':
      return response.verdict?.outcome === 'refused';
    case 'edited':
      return curation?.edit !== undefined;
    case 'discarded':
      return curation?.discarded === true;
    default:
      return curation?.label === filter && !curation.discarded;
  }
}

/** Where the focus goes after deciding on this response: the next one that is not of the same text, else the one before. */
export function nextFocus(items: readonly QueueItem[], responseId: string, decided: ReadonlySet<string>): string | null {
  const index = items.findIndex((item) => item.response.id === responseId);
  const after = items.slice(index + 1).find((item) => !decided.has(item.response.id));
  if (after) return after.response.id;
  const before = items.slice(0, Math.max(0, index)).filter((item) => !decided.has(item.response.id));
  // At the end of the queue: what is still undecided before it, or stay.
  return before.find((item) => !item.curation?.label && !item.curation?.discarded)?.response.id ?? null;
}
