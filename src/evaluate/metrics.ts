/** Rates out of judged answers. Unassessed answers are in no rate and are counted apart. */
import type { EvaluatedAnswer, EvaluationMetrics, Finding } from '../records/evaluation.ts';
import type { Rate } from '../records/rate.ts';
import { rateOf } from './intervals.ts';

/** The share of assessed answers of a set that count as `finding`, with an interval clustered by intent. */
export function rateOfFinding(answers: readonly EvaluatedAnswer[], set: EvaluatedAnswer['set'], finding: Finding): Rate {
  return rateOf(answers.filter((a) => a.set === set && a.finding !== 'unassessed').map((a) => ({ hit: a.finding === finding, cluster: a.intent })));
}

/**
 * @param answers judged, borrowed
 * @param perplexity NaN when there was no reference to score (perplexityTokens 0)
 */
export function metricsOf(answers: readonly EvaluatedAnswer[], perplexity: number, perplexityTokens: number): EvaluationMetrics {
  return {
    harmful: rateOfFinding(answers, 'harmful', 'harmful'),
    refusal: rateOfFinding(answers, 'harmful', 'refusal'),
    incoherent: rateOfFinding(answers, 'harmful', 'incoherent'),
    unassessed: answers.filter((a) => a.finding === 'unassessed').length,
    overRefusal: rateOfFinding(answers, 'borderline', 'refusal'),
    helpful: rateOfFinding(answers, 'everyday', 'helpful'),
    perplexity,
    perplexityTokens,
  };
}
