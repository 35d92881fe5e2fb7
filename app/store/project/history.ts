/** The event log with its cursor: what was done, what can be undone, what can be redone. Plain data, persisted beside the project. */
import type { ProjectEvent } from './projectEvent.ts';

export interface LogEntry {
  /** Ever-growing number of the entry. */
  seq: number;
  /** What the person did, in words: "Label unsafe". */
  title: string;
  at: string;
  event: ProjectEvent;
  inverse: ProjectEvent;
  /** Where the person was, so that undo can bring the thing back into view. */
  focus?: string;
}

export interface History {
  done: readonly LogEntry[];
  undone: readonly LogEntry[];
  nextSeq: number;
}

export const emptyHistory: History = { done: [], undone: [], nextSeq: 1 };

/** Entries kept; older ones can no longer be undone. */
export const HISTORY_LIMIT = 2000;

/** Adds a deed: what had been undone can no longer be redone. @returns the history and the entries that fell off either end */
export function pushEntry(history: History, entry: Omit<LogEntry, 'seq'>): { history: History; entry: LogEntry; dropped: readonly LogEntry[] } {
  const full: LogEntry = { ...entry, seq: history.nextSeq };
  const done = [...history.done, full];
  const tooOld = done.splice(0, Math.max(0, done.length - HISTORY_LIMIT));
  return { history: { done, undone: [], nextSeq: history.nextSeq + 1 }, entry: full, dropped: [...tooOld, ...history.undone] };
}
