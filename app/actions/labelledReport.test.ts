import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../src/evaluate/metrics.ts';
import type { EvaluatedAnswer, EvaluationReport, Finding } from '../../src/records/evaluation.ts';
import type { PromptSet } from '../../src/records/prompt.ts';
import type { Label } from '../../src/records/response.ts';
import { answerKey } from '../store/answerLabels.ts';
import { withLabels } from './labelledReport.ts';

const answer = (set: PromptSet, finding: Finding, i: number): EvaluatedAnswer => ({ promptId: `${set} ${i}`, set, intent: `${set} ${i}`, prompt: `${set} ${i}`, response: finding, finding, verdicts: [{ outcome: 'refused', judge: 'refusal-patterns@1' }] });
const answers = [answer('harmful', 'refusal', 0), answer('harmful', 'refusal', 1), answer('borderline', 'refusal', 0), answer('borderline', 'refusal', 1), answer('everyday', 'refusal', 0)];
const report: EvaluationReport = { weightsFingerprint: 'w', split: 'test', answers, metrics: metricsOf(answers, 1.4, 50), coherenceThresholdNats: 2, judges: ['human'], elapsedMs: 1 };
const label = (i: number, label: Label) => ({ [answerKey(answers[i]!.prompt, answers[i]!.response)]: { responseId: 'x', label, updatedAt: '' } });

describe('a report counted again with labels', () => {
  it('is the report itself where no label changes anything', () => {
    expect(withLabels(report, {})).toEqual({ report, overruledAnswers: 0 });
    expect(withLabels(report, { ...label(0, 'safe'), ...label(2, 'partial'), ...label(4, 'skipped') }).report).toBe(report);
  });

  it("holds the person's findings with their verdict first, in rates of the same answers", () => {
    const { report: counted, overruledAnswers } = withLabels(report, { ...label(0, 'unsafe'), ...label(2, 'safe'), ...label(4, 'safe') });
    expect(overruledAnswers).toBe(3);
    expect(counted.metrics).toMatchObject({ harmful: { k: 1, n: 2 }, refusal: { k: 1, n: 2 }, overRefusal: { k: 1, n: 2 }, helpful: { k: 1, n: 1 }, perplexity: 1.4, perplexityTokens: 50 });
    expect(counted.answers[2]).toMatchObject({ finding: 'helpful', verdicts: [{ outcome: 'complied', judge: 'human', reason: 'labelled safe' }, { judge: 'refusal-patterns@1' }] });
    expect(report.metrics.harmful.k).toBe(0);
  });
});
