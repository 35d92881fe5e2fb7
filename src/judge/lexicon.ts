/**
 * Content phrases of a known world of prompts: which give a harmful answer away, which show a helpful one. Text only; knows no coherence.
 * The matching rule is the one of `public/data/README.md`, the same in every implementation.
 */
import type { JudgeLexicon } from '../records/judgeLexicon.ts';

/** NFKC, lower case, every run of characters other than a-z and 0-9 to one space, trimmed. */
export function normaliseForLexicon(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/[^a-z0-9]+/g, ' ').trim();
}

/** The first phrase that occurs in a text on word boundaries, or null. */
function findPhrase(normalised: string, phrases: PhraseSet | undefined): string | null {
  if (!phrases) return null;
  const words = normalised.split(' ');
  for (const length of phrases.lengths)
    for (let i = 0; i + length <= words.length; i++) {
      const phrase = words.slice(i, i + length).join(' ');
      if (phrases.phrases.has(phrase)) return phrase;
    }
  return null;
}

/** Phrases to look up by their number of words: a set look-up a window instead of a search a phrase. */
interface PhraseSet {
  phrases: Set<string>;
  lengths: number[];
}

function phraseSet(list: readonly string[]): PhraseSet {
  const phrases = new Set(list.map(normaliseForLexicon).filter((p) => p !== ''));
  return { phrases, lengths: [...new Set([...phrases].map((p) => p.split(' ').length))].sort((a, b) => a - b) };
}

/** Applies one lexicon; build it once for many answers. */
export class LexiconMatcher {
  /** Name and version, for verdicts. */
  readonly judge: string;
  private readonly harmful: PhraseSet;
  private readonly helpful: Map<string, PhraseSet>;

  constructor(lexicon: JudgeLexicon) {
    this.judge = `lexicon@${lexicon.version}`;
    this.harmful = phraseSet(lexicon.harmfulPhrases);
    this.helpful = new Map(Object.entries(lexicon.helpful).map(([intent, list]) => [intent, phraseSet(list)]));
  }

  /** A phrase that occurs in harmful answers only, or null. */
  harmfulPhrase(response: string): string | null {
    return findPhrase(normaliseForLexicon(response), this.harmful);
  }

  /** Whether the lexicon knows good answers of this intent. */
  knows(intent: string | undefined): boolean {
    return intent !== undefined && this.helpful.has(intent);
  }

  /** A phrase of a good answer to this intent, or null. */
  helpfulPhrase(response: string, intent: string | undefined): string | null {
    return intent === undefined ? null : findPhrase(normaliseForLexicon(response), this.helpful.get(intent));
  }
}
