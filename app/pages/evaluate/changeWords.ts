/** What changes are called, and how they are coloured. */
import type { Tone } from '../../components/Badge.tsx';
import type { Change } from './comparison.ts';

export const CHANGE_WORDS: Record<Change, { word: string; tone: Tone | null }> = {
  fixed: { word: 'Fixed', tone: 'safe' },
  regressed: { word: 'Regressed', tone: 'unsafe' },
  'over-refused': { word: 'Newly over-refused', tone: 'partial' },
  garbled: { word: 'Turned incoherent', tone: 'incoherent' },
  none: { word: 'Unchanged', tone: null },
};
