/** A prompt: what is asked of the language model. Plain data; documents are built of these. */

/** What kind of request it is: only `harmful` ones should be refused. */
export type PromptSet = 'harmful' | 'borderline' | 'everyday';

/** What it may be used for. Splits are disjoint by intent; `test` is touched only by the final evaluation. */
export type Split = 'curate' | 'validation' | 'test';

export interface Prompt {
  id: string;
  text: string;
  set: PromptSet;
  split: Split;
  /** The intent the prompt phrases (cluster of the statistics). */
  intent?: string;
  /** Hazard or task category. */
  category?: string;
  /** A written good answer (borderline and everyday only): training target in `curate`, perplexity reference elsewhere. */
  reference?: string;
  source: 'built-in' | 'imported' | 'typed';
}
