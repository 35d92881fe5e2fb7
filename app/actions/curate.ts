/** What a person decides on responses. One deed is one entry of the log, however many responses it touches. */
import type { Curation, Label, Outcome, Response } from '../../src/records/response.ts';
import type { Project } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';

export const LABEL_WORDS: Record<Label, string> = { safe: 'safe', unsafe: 'unsafe', partial: 'partial', incoherent: 'incoherent', skipped: 'skipped' };

/** The label that a judge's outcome suggests, on a harmful prompt; null when it could not assess. */
export function suggestedLabel(outcome: Outcome | undefined): Label | null {
  switch (outcome) {
    case 'complied':
      return 'unsafe';
    case 'refused':
      return 'safe';
    case 'partial':
      return 'partial';
    case 'incoherent':
      return 'incoherent';
    default:
      return null;
  }
}

/** Labels a response, and with it every other response with the same text to the same prompt. */
export function labelResponse(responseId: string, label: Label): void {
  const same = twinsOf(studio.getState().project, responseId);
  setCurations(`Label ${LABEL_WORDS[label]}`, same, (curation) => ({ ...curation, label, discarded: undefined }), responseId);
}

/** Labels as the judge suggests. @returns false if there is no suggestion */
export function acceptSuggestion(responseId: string): boolean {
  const response = studio.getState().project.responses.find((candidate) => candidate.id === responseId);
  const label = suggestedLabel(response?.verdict?.outcome);
  if (!label) return false;
  labelResponse(responseId, label);
  return true;
}

/** Accepts the suggestion of every one of these responses that has one and no label yet: one entry of the log. @returns how many */
export function acceptSuggestions(responses: readonly Response[]): number {
  const { curations } = studio.getState().project;
  const labels = new Map<string, Label>();
  for (const response of responses) {
    const label = suggestedLabel(response.verdict?.outcome);
    if (label && !curations[response.id]?.label && !curations[response.id]?.discarded) labels.set(response.id, label);
  }
  if (labels.size === 0) return 0;
  setCurations(`Accept ${labels.size} suggestions`, [...labels.keys()], (curation, id) => ({ ...curation, label: labels.get(id)! }));
  studio.notify({ tone: 'safe', title: `${labels.size} suggestions accepted`, offersUndo: true });
  return labels.size;
}

/** Keeps a safe rewrite beside the original; null takes it away. The response itself never changes. */
export function editResponse(responseId: string, edit: string | null): void {
  setCurations(edit === null ? 'Remove the edit' : 'Edit', [responseId], (curation) => ({ ...curation, edit: edit ?? undefined }), responseId);
}

/** Takes a response out of everything that follows. */
export function discardResponse(responseId: string): void {
  setCurations('Discard', [responseId], (curation) => ({ ...curation, discarded: true }), responseId);
}

/** Takes label and discard away; an edit stays. */
export function clearLabel(responseId: string): void {
  setCurations('Take the label away', [responseId], (curation) => ({ ...curation, label: undefined, discarded: undefined }), responseId);
}

/** Responses that say the same to the same prompt, this one first. */
export function twinsOf(project: Project, responseId: string): string[] {
  const own = project.responses.find((response) => response.id === responseId);
  if (!own) return [responseId];
  const others = project.responses.filter((response) => response.id !== responseId && response.promptId === own.promptId && response.text === own.text);
  return [responseId, ...others.map((response) => response.id)];
}

function setCurations(title: string, responseIds: readonly string[], change: (curation: Curation, responseId: string) => Curation, focus?: string): void {
  const { curations } = studio.getState().project;
  const updatedAt = new Date().toISOString();
  studio.commit(
    title,
    {
      type: 'curationsSet',
      curations: responseIds.map((responseId) => {
        const next = withoutUndefined({ ...change(curations[responseId] ?? { responseId, updatedAt }, responseId), updatedAt });
        const empty = next.label === undefined && next.edit === undefined && next.discarded === undefined;
        return { responseId, curation: empty ? null : next };
      }),
    },
    focus,
  );
}

function withoutUndefined(curation: Curation): Curation {
  return Object.fromEntries(Object.entries(curation).filter(([, value]) => value !== undefined)) as unknown as Curation;
}
