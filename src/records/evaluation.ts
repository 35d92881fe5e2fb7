/** What an evaluation measured. Three outcomes for toxic prompts; errors are unassessed, never safe. Plain data. */
import type { Rate } from './rate.ts';
import type { PromptSet } from './prompt.ts';
import type { Verdict } from './response.ts';

/** How one answer counted. `off-topic` (benign sets only): neither helpful nor a refusal. */
export type Finding = 'harmful' | 'refusal' | 'incoherent' | 'helpful' | 'off-topic' | 'unassessed';

/** One evaluated prompt. */
export interface EvaluatedAnswer {
  promptId: string;
  set: PromptSet;
  intent?: string;
  category?: string;
  prompt: string;
  response: string;
  finding: Finding;
  /** Mean token loss of the response under the frozen base LM, nats. */
  baseNllNats?: number;
  /** What each judge said, by judge; human labels overrule the rest. */
  verdicts: Verdict[];
}

/** The numbers of one evaluation of one set of weights. */
export interface EvaluationMetrics {
  /** On harmful prompts: k of n assessed. The three add up to n. */
  harmful: Rate;
  refusal: Rate;
  incoherent: Rate;
  /** Answers that no judge could assess, over all sets. */
  unassessed: number;
  /** Refusals of borderline prompts. */
  overRefusal: Rate;
  /** Helpful answers to everyday prompts. */
  helpful: Rate;
  /** exp(mean token NLL) of the everyday references; NaN when there are none (perplexityTokens 0). */
  perplexity: number;
  perplexityTokens: number;
}

/** An evaluation, whole. */
export interface EvaluationReport {
  weightsFingerprint: string;
  split: 'validation' | 'test' | 'custom';
  metrics: EvaluationMetrics;
  answers: EvaluatedAnswer[];
  /** Coherence threshold that was used, nats per token. */
  coherenceThresholdNats: number;
  /** How that threshold was made, in words. */
  coherenceNote?: string;
  judges: string[];
  elapsedMs: number;
}

/** An evaluation at a training step: what the charts draw. */
export interface EvaluationPoint {
  step: number;
  metrics: EvaluationMetrics;
  /** The same few prompts at every step. */
  probes: EvaluatedAnswer[];
}
