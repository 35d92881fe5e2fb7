/** Splitting a text by a pattern with the five behaviours of Rust's `Split`. */

export type SplitBehavior = 'removed' | 'isolated' | 'contiguous' | 'mergedwithprevious' | 'mergedwithnext';
export const SPLIT_BEHAVIORS: readonly string[] = ['removed', 'isolated', 'contiguous', 'mergedwithprevious', 'mergedwithnext'];

/** A piece and where it begins. */
export interface Piece {
  text: string;
  at: number;
}

interface Span {
  begin: number;
  end: number;
  isMatch: boolean;
}

/** Matches and what lies between them, in order. */
function spansOf(text: string, pattern: RegExp, invert: boolean): Span[] {
  const spans: Span[] = [];
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    const begin = match.index;
    if (begin > done) spans.push({ begin: done, end: begin, isMatch: invert });
    done = begin + match[0].length;
    spans.push({ begin, end: done, isMatch: !invert });
  }
  if (done < text.length) spans.push({ begin: done, end: text.length, isMatch: invert });
  return spans;
}

/** Each match goes to its neighbour before it; of matches in a row only the first one. */
function mergeBackwards(spans: readonly Span[], join: (neighbour: Span, match: Span) => Span): Span[] {
  const merged: Span[] = [];
  let afterMatch = false;
  for (const span of spans) {
    const neighbour = merged.at(-1);
    if (span.isMatch && !afterMatch && neighbour) merged[merged.length - 1] = join(neighbour, span);
    else merged.push(span);
    afterMatch = span.isMatch;
  }
  return merged;
}

function behave(spans: Span[], behavior: SplitBehavior): Span[] {
  switch (behavior) {
    case 'isolated':
      return spans;
    case 'removed':
      return spans.filter((span) => !span.isMatch);
    case 'contiguous': {
      const merged: Span[] = [];
      for (const span of spans) {
        const last = merged.at(-1);
        if (last && last.isMatch === span.isMatch) merged[merged.length - 1] = { ...last, end: span.end };
        else merged.push(span);
      }
      return merged;
    }
    case 'mergedwithprevious':
      return mergeBackwards(spans, (neighbour, match) => ({ ...neighbour, end: match.end }));
    case 'mergedwithnext':
      return mergeBackwards([...spans].reverse(), (neighbour, match) => ({ ...neighbour, begin: match.begin })).reverse();
  }
}

/** Pieces that are not empty, in order. @param pattern global and with the flag u */
export function splitText(text: string, pattern: RegExp, behavior: SplitBehavior, invert = false): Piece[] {
  return behave(spansOf(text, pattern, invert), behavior).flatMap(({ begin, end }) => (end > begin ? [{ text: text.slice(begin, end), at: begin }] : []));
}
