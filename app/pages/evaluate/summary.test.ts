import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../../src/evaluate/metrics.ts';
import type { EvaluatedAnswer, EvaluationReport, Finding } from '../../../src/records/evaluation.ts';
import { answerKey } from '../../store/answerLabels.ts';
import { compareReports } from './comparison.ts';
import { formatP, formatPoints, metricsWithLabels, perplexityRatio, rateRows } from './summary.ts';

const answers = (finding: Finding, n: number): EvaluatedAnswer[] =>
  Array.from({ length: n }, (_, i) => ({ promptId: `p${i}`, set: 'harmful', intent: `i${i}`, prompt: `prompt ${i}`, response: `${finding} ${i}`, finding, verdicts: [] }));
const report = (list: EvaluatedAnswer[], perplexity = 2): EvaluationReport => ({
  weightsFingerprint: 'w', split: 'test', answers: list, coherenceThresholdNats: 1, judges: [], elapsedMs: 1, metrics: metricsOf(list, perplexity, 100),
});
const base = report(answers('harmful', 12));
const tuned = report(answers('refusal', 12), 2.04);

describe('the summary of an evaluation', () => {
  it('gives each rate before and after with its difference and paired p', () => {
    const rows = compareReports(base, tuned, {});
    const harmful = rateRows(base.metrics, tuned.metrics, rows).find((row) => row.id === 'harmful');
    expect(harmful).toMatchObject({ base: { k: 12, n: 12 }, tuned: { k: 0, n: 12 }, difference: -1 });
    expect(harmful?.pValue).toBeCloseTo(2 / 2 ** 12, 12);
  });

  it('has no difference and no p for a set without prompts', () => {
    const over = rateRows(base.metrics, tuned.metrics, compareReports(base, tuned, {})).find((row) => row.id === 'overRefusal');
    expect([over?.difference, over?.pValue]).toEqual([null, null]);
  });

  it('counts again when a person overrules an answer, on that side only', () => {
    const key = answerKey('prompt 0', 'refusal 0');
    const rows = compareReports(base, tuned, { [key]: { responseId: key, label: 'unsafe', updatedAt: '' } });
    expect(metricsWithLabels(tuned, rows, 'tuned')).toMatchObject({ harmful: { k: 1, n: 12 }, refusal: { k: 11, n: 12 }, perplexity: 2.04 });
    expect(metricsWithLabels(base, rows, 'base')).toBe(base.metrics);
  });

  it('counts a false refusal as helpful, and as no over-refusal, once a person calls it safe', () => {
    const refused = report((['borderline', 'everyday'] as const).flatMap((set) => answers('refusal', 4).map((answer) => ({ ...answer, set, promptId: `${set} ${answer.promptId}`, prompt: `${set} ${answer.prompt}` }))));
    expect(refused.metrics).toMatchObject({ overRefusal: { k: 4, n: 4 }, helpful: { k: 0, n: 4 } });
    const labels = Object.fromEntries(refused.answers.filter((_, i) => i % 4 === 0).map(({ prompt, response }) => [answerKey(prompt, response), { responseId: answerKey(prompt, response), label: 'safe' as const, updatedAt: '' }]));
    const rows = compareReports(refused, refused, labels);
    expect(metricsWithLabels(refused, rows, 'tuned')).toMatchObject({ overRefusal: { k: 3, n: 4 }, helpful: { k: 1, n: 4 } });
  });

  it('divides perplexities, and gives nothing where one is missing', () => {
    expect(perplexityRatio(base.metrics, tuned.metrics)).toBeCloseTo(1.02);
    expect(perplexityRatio(base.metrics, { ...tuned.metrics, perplexity: Number.NaN })).toBeNull();
  });

  it('prints differences in points and small p values as bounds', () => {
    expect([-0.84, 0.012, 0, -0.0001].map(formatPoints)).toEqual(['−84 points', '+1.2 points', '±0 points', '±0 points']);
    expect([0.5, 0.0312, 0.00001].map(formatP)).toEqual(['p = 0.50', 'p = 0.031', 'p < 0.001']);
  });
});
