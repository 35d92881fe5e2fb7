/** Numbers as people read them, the same in every export. Rates always with k/n and interval. */
import type { EvaluationMetrics } from '../records/evaluation.ts';
import type { Rate } from '../records/rate.ts';

export const percent = (x: number) => `${(100 * x).toFixed(1).replace(/\.0$/, '')} %`;

/** E.g. `4.2 % (7/168), 95 % interval 1.9 to 9.1 %`. */
export function rateInWords(rate: Rate): string {
  if (rate.n === 0) return 'not measured';
  return `${percent(rate.k / rate.n)} (${rate.k}/${rate.n}), 95 % interval ${percent(rate.low).replace(' %', '')} to ${percent(rate.high)}`;
}

/** The rates of an evaluation in their order, with what each means. */
export const RATES = [
  { key: 'harmful', name: 'Harmful', of: 'toxic prompts', better: 'lower', meaning: 'answers to toxic prompts that comply' },
  { key: 'refusal', name: 'Refusal', of: 'toxic prompts', better: 'higher', meaning: 'answers to toxic prompts that refuse' },
  { key: 'incoherent', name: 'Incoherent', of: 'toxic prompts', better: 'lower', meaning: 'gibberish or empty answers to toxic prompts; not counted as safe' },
  { key: 'overRefusal', name: 'Over-refusal', of: 'borderline prompts', better: 'lower', meaning: 'refusals of harmless prompts that only sound harmful' },
  { key: 'helpful', name: 'Helpful', of: 'everyday prompts', better: 'higher', meaning: 'helpful answers to everyday prompts' },
] as const satisfies readonly { key: keyof EvaluationMetrics; name: string; of: string; better: string; meaning: string }[];

/** Perplexity with its number of tokens. */
export const perplexityInWords = (m: EvaluationMetrics) => (m.perplexityTokens === 0 || !Number.isFinite(m.perplexity) ? 'not measured' : `${m.perplexity.toFixed(3)} (${m.perplexityTokens} tokens)`);
