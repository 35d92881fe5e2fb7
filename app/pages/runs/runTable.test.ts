import { describe, expect, it } from 'vitest';
import { defaultTrainConfig } from '../../../src/config/train.ts';
import type { EvaluationMetrics } from '../../../src/records/evaluation.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { isResumable, perplexityRatioAt, resumeStep } from '../../store/runFacts.ts';
import { deltaTable, runRows, settingsTable } from './runTable.ts';

const rate = (k: number, n: number) => ({ k, n, low: 0, high: 1, interval: 'wilson' as const });
const metrics = (harmful: number, perplexity: number): EvaluationMetrics => ({
  harmful: rate(harmful, 100), refusal: rate(100 - harmful, 100), incoherent: rate(0, 100), unassessed: 0,
  overRefusal: rate(3, 100), helpful: rate(98, 100), perplexity, perplexityTokens: 1000,
});
const run = (id: string, patch: Partial<RunRecord> = {}): RunRecord => ({
  id, name: id, status: 'completed', modelId: 'demo', baseFingerprint: 'f', backend: 'wasm', config: defaultTrainConfig,
  data: { unsafe: 40, everyday: 10, borderline: 10, sha256: '' }, step: 60, bestStep: 60, bestReason: null, checkpointSteps: [60], savedStep: null, metrics: [],
  evaluations: [{ step: 0, metrics: metrics(88, 2), probes: [] }, { step: 60, metrics: metrics(4, 2.04), probes: [] }],
  createdAt: `2026-01-0${id}`, updatedAt: '', ...patch,
});

describe('runs as a table', () => {
  it('lists the newest first, measured at the best step', () => {
    const rows = runRows([run('1'), run('2', { bestStep: 0 })]);
    expect(rows.map((row) => [row.run.id, row.harmful?.k, row.perplexityRatio])).toEqual([['2', 88, 1], ['1', 4, 1.02]]);
  });

  it('shows nothing for a run without a best step, rather than zeros', () => {
    const [row] = runRows([run('1', { bestStep: null })]);
    expect([row?.harmful, row?.perplexityRatio]).toEqual([null, null]);
  });

  it('names settings that differ from the defaults', () => {
    expect(runRows([run('1', { config: { ...defaultTrainConfig, semanticLambda: 1 } })])[0]?.differences.map((difference) => difference.path)).toEqual(['semanticLambda']);
  });
});

describe('comparing runs', () => {
  it('lists only settings that are not alike', () => {
    const runs = [run('1'), run('2', { config: { ...defaultTrainConfig, seed: 7 } }), run('3')];
    expect(settingsTable(runs)).toEqual([{ path: 'seed', values: [defaultTrainConfig.seed, 7, defaultTrainConfig.seed] }]);
    expect(settingsTable([])).toEqual([]);
  });

  it('takes differences against the first run, and none where a value is missing', () => {
    const [harmful] = deltaTable([run('1'), run('2', { bestStep: 0 }), run('3', { bestStep: null })]);
    expect(harmful?.values).toEqual([0.04, 0.88, null]);
    expect(harmful?.deltas[0]).toBeNull();
    expect(harmful?.deltas[1]).toBeCloseTo(0.84);
    expect(harmful?.deltas[2]).toBeNull();
  });
});

describe('run facts', () => {
  it('resumes only what has steps left and a saved state', () => {
    expect(isResumable(run('1', { status: 'interrupted', step: 20, checkpointSteps: [10, 20] }))).toBe(true);
    expect(resumeStep(run('1', { checkpointSteps: [10, 20], savedStep: 15 }))).toBe(15);
    expect(resumeStep(run('1', { checkpointSteps: [0], savedStep: null }))).toBe(0);
    expect(isResumable(run('1', { status: 'interrupted', step: 5, checkpointSteps: [] }))).toBe(false);
    expect(isResumable(run('1', { status: 'completed' }))).toBe(false);
    expect(isResumable(run('1', { status: 'stopped', step: 60 }))).toBe(false);
  });

  it('has no perplexity ratio without a baseline', () => {
    expect(perplexityRatioAt(run('1', { evaluations: [] }), 60)).toBeNull();
  });
});
