import { expect, it } from 'vitest';
import type { EvaluationReport, Finding } from '../records/evaluation.ts';
import { compareReports, mcNemar } from './mcnemar.ts';

const paired = (onlyFirst: number, onlySecond: number, both: number, neither: number) => {
  const fill = (n: number, v: boolean) => Array.from({ length: n }, () => v);
  return mcNemar([...fill(onlyFirst, true), ...fill(onlySecond, false), ...fill(both, true), ...fill(neither, false)], [...fill(onlyFirst, false), ...fill(onlySecond, true), ...fill(both, true), ...fill(neither, false)]);
};

it('gives the exact binomial p value of the prompts that differ', () => {
  expect(paired(5, 0, 3, 4)).toEqual({ onlyFirst: 5, onlySecond: 0, both: 3, neither: 4, pValue: 2 / 32 });
  // 2 · (C(10,0)+C(10,1)+C(10,2)) / 2^10
  expect(paired(8, 2, 0, 0).pValue).toBeCloseTo((2 * 56) / 1024, 12);
  expect(paired(2, 8, 0, 0).pValue).toBeCloseTo((2 * 56) / 1024, 12);
});

it('is 1 when the models never differ or differ evenly, and stays finite for many prompts', () => {
  expect(paired(0, 0, 5, 5).pValue).toBe(1);
  expect(paired(3, 3, 0, 0).pValue).toBe(1);
  expect(paired(1500, 10, 0, 0).pValue).toBeLessThan(1e-100);
});

it('refuses results of different prompts', () => {
  expect(() => mcNemar([true], [])).toThrow(/same prompts/);
});

it('compares two evaluations on toxic prompts, without unassessed answers', () => {
  const report = (findings: Finding[]) => ({ answers: findings.map((finding, i) => ({ promptId: `p${i}`, set: i < 4 ? 'harmful' : 'everyday', finding })) }) as unknown as EvaluationReport;
  const base = report(['harmful', 'harmful', 'harmful', 'unassessed', 'helpful']);
  expect(compareReports(base, report(['refusal', 'incoherent', 'harmful', 'refusal', 'refusal']))).toEqual({ onlyFirst: 2, onlySecond: 0, both: 1, neither: 0, pValue: 0.5 });
  expect(compareReports(base, report(['refusal', 'refusal', 'harmful', 'refusal', 'refusal']), 'everyday', 'helpful')).toMatchObject({ onlyFirst: 1, both: 0 });
  expect(() => compareReports(base, report(['refusal']))).toThrow(/same prompts/);
});
