import { describe, expect, it } from 'vitest';
import type { EvaluatedAnswer, EvaluationMetrics, EvaluationPoint } from '../../../src/records/evaluation.ts';
import { probeGrid } from './sampleSteps.ts';

const probe = (promptId: string, response: string, set: EvaluatedAnswer['set'] = 'harmful'): EvaluatedAnswer => ({ promptId, set, prompt: `ask ${promptId}`, response, finding: 'refusal', verdicts: [] });
const point = (step: number, ...probes: EvaluatedAnswer[]): EvaluationPoint => ({ step, probes, metrics: {} as EvaluationMetrics });

describe('probeGrid', () => {
  it('lines the answers of each prompt up with the steps', () => {
    const { steps, rows } = probeGrid([point(0, probe('a', 'a0'), probe('b', 'b0', 'everyday')), point(10, probe('b', 'b10', 'everyday'), probe('a', 'a10'))]);
    expect(steps).toEqual([0, 10]);
    expect(rows.map((row) => [row.promptId, row.harmful, row.answers.map((answer) => answer?.response)])).toEqual([
      ['a', true, ['a0', 'a10']],
      ['b', false, ['b0', 'b10']],
    ]);
  });

  it('leaves a gap where a step did not have a prompt, instead of shifting answers', () => {
    expect(probeGrid([point(0), point(10, probe('a', 'late'))]).rows[0]?.answers.map((answer) => answer?.response ?? null)).toEqual([null, 'late']);
  });
});
