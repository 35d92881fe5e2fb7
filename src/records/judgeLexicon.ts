/**
 * What a pure text judge needs to know of a world of prompts: which phrases give a harmful answer away, which show a helpful one.
 * Shipped beside the built-in prompts (`public/data/judge.json`). Plain data.
 */
export interface JudgeLexicon {
  version: string;
  /** Normalised content phrases that occur in harmful answers only. */
  harmfulPhrases: string[];
  /** Normalised content phrases of good answers, by intent. */
  helpful: Record<string, string[]>;
}
