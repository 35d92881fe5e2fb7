/** Where drafts are kept: localStorage, so that theme and settings are there before the first paint. */
import { DRAFTS_VERSION, defaultDrafts, migrateDrafts } from './drafts.ts';
import type { Drafts, DraftSection } from './drafts.ts';

const KEY = 'sidestep-drafts';

/** The two calls we need of localStorage. */
export type TextStorage = Pick<Storage, 'getItem' | 'setItem'>;

export function loadDrafts(storage: TextStorage | null): { drafts: Drafts; lost: DraftSection[] } {
  const text = storage?.getItem(KEY);
  if (!text) return { drafts: defaultDrafts, lost: [] };
  try {
    return migrateDrafts(JSON.parse(text));
  } catch {
    // Not JSON: someone else's or a broken write. Every section counts as lost, which the caller reports.
    return { drafts: defaultDrafts, lost: Object.keys(defaultDrafts) as DraftSection[] };
  }
}

/** @throws DOMException when the quota is exceeded or storage is refused */
export function saveDrafts(storage: TextStorage, drafts: Drafts): void {
  storage.setItem(KEY, JSON.stringify({ version: DRAFTS_VERSION, data: drafts }));
}
