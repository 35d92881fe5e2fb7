/** Undo and redo of everything in the project, whichever page it was done on. */
import { studio } from '../store/studio.ts';
import { navigate } from './navigate.ts';

/** @returns what was undone, in words, or null */
export function undo(): string | null {
  const entry = studio.undo();
  if (entry) bringBack(entry.focus);
  return entry?.title ?? null;
}

/** @returns what was done again, in words, or null */
export function redo(): string | null {
  const entry = studio.redo();
  if (entry) bringBack(entry.focus);
  return entry?.title ?? null;
}

/** Shows the response that the deed was about. */
function bringBack(responseId: string | undefined): void {
  if (!responseId) return;
  studio.edit('curate', { focusId: responseId });
  if (studio.getState().route.station !== 'curate') navigate('curate');
}
