/** Theme, content shield and the person's own keys. */
import type { Drafts } from '../store/drafts/drafts.ts';
import { studio } from '../store/studio.ts';

export function setTheme(theme: Drafts['preferences']['theme']): void {
  studio.edit('preferences', { theme });
}

export function setShield(patch: Partial<Pick<Drafts['preferences'], 'shield' | 'presenter'>>): void {
  studio.edit('preferences', patch);
}

/** The person's own keys of a command; null goes back to the default. */
export function setKeys(commandId: string, keys: string[] | null): void {
  const next = { ...studio.getState().drafts.preferences.keys };
  if (keys) next[commandId] = keys;
  else delete next[commandId];
  studio.edit('preferences', { keys: next });
}

/** The person has read what kind of text the Curate page shows. */
export function acceptContentNotice(): void {
  studio.edit('preferences', { contentNoticeSeen: true });
}
