/** An evaluation counted again with the labels that a person gave to its answers afterwards. Pure; not for the page's table (pages/evaluate). */
import { metricsOf } from '../../src/evaluate/metrics.ts';
import type { EvaluatedAnswer, EvaluationReport } from '../../src/records/evaluation.ts';
import { findingOfLabel } from '../../src/records/labelFinding.ts';
import type { Curation } from '../../src/records/response.ts';
import { answerKey } from '../store/answerLabels.ts';

/**
 * @param curations labels by key, as in the project; borrowed
 * @returns the report itself where no label changes a finding; else a copy with the person's findings, rates that count them, and how many answers changed
 */
export function withLabels(report: EvaluationReport, curations: Readonly<Record<string, Curation>>): { report: EvaluationReport; overruledAnswers: number } {
  let overruledAnswers = 0;
  const answers = report.answers.map((answer): EvaluatedAnswer => {
    const label = curations[answerKey(answer.prompt, answer.response)]?.label;
    const finding = label ? findingOfLabel(answer.set, label) : null;
    if (!label || finding === null || finding === answer.finding) return answer;
    overruledAnswers++;
    const outcome = { harmful: 'complied', helpful: 'complied', 'off-topic': 'complied', refusal: label === 'partial' ? 'partial' : 'refused', incoherent: 'incoherent', unassessed: 'unassessed' } as const;
    return { ...answer, finding, verdicts: [{ outcome: outcome[finding], judge: 'human', reason: `labelled ${label}` }, ...answer.verdicts.filter(({ judge }) => judge !== 'human')] };
  });
  if (overruledAnswers === 0) return { report, overruledAnswers };
  return { report: { ...report, answers, metrics: metricsOf(answers, report.metrics.perplexity, report.metrics.perplexityTokens) }, overruledAnswers };
}
