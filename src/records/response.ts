/** A response of a language model, its verdict, and what a person says of it. Plain data. */

/** XSTest's three classes, plus two that a safety rate must not hide. */
export type Outcome = 'complied' | 'refused' | 'partial' | 'incoherent' | 'unassessed';

/** What one judge says of one response. */
export interface Verdict {
  outcome: Outcome;
  /** Name and version of the judge, e.g. `refusal-patterns@1`. `human` for labels. */
  judge: string;
  /** Matched span, threshold or other short reason. */
  reason?: string;
  /** 0..1 where the judge gives one. */
  score?: number;
}

/** One answer to one prompt, as it was generated. Immutable. */
export interface Response {
  id: string;
  promptId: string;
  /** 0-based index among the samples of the prompt. */
  sample: number;
  text: string;
  tokenCount: number;
  finishReason: 'stop' | 'length' | 'cancelled';
  modelId: string;
  /** Identifies the very weights that produced it (sha256 prefix of the weights file, or run and step). */
  weightsFingerprint: string;
  seed: number;
  temperature: number;
  topK: number;
  topP: number;
  /** Suggestion by the automatic judge, never a label. */
  verdict?: Verdict;
  createdAt: string;
}

/** A person's label of a response. */
export type Label = 'safe' | 'unsafe' | 'partial' | 'incoherent' | 'skipped';

/** What a person decided on a response. At most one per response. */
export interface Curation {
  responseId: string;
  label?: Label;
  /** A safe rewrite, for chosen/rejected pairs. */
  edit?: string;
  discarded?: boolean;
  updatedAt: string;
}
