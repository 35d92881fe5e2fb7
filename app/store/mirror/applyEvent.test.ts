import { describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../src/protocol/jobs.ts';
import type { RunRecord, StepMetrics } from '../../../src/records/run.ts';
import { defaultTrainConfig } from '../../../src/config/train.ts';
import { applyEvent } from './applyEvent.ts';
import { emptyMirror, streamKey } from './mirror.ts';

const replay = (events: readonly EngineEvent[]) => events.reduce(applyEvent, emptyMirror);

const run = (patch: Partial<RunRecord> = {}): RunRecord => ({
  id: 'run-1', name: 'quiet-river', status: 'running', modelId: 'demo', baseFingerprint: 'f', backend: 'wasm', config: defaultTrainConfig,
  data: { unsafe: 20, everyday: 10, borderline: 10, sha256: 's' }, step: 0, bestStep: null, bestReason: null, checkpointSteps: [], savedStep: null,
  metrics: [], evaluations: [], createdAt: '2026-01-01T00:00:00Z', updatedAt: '2026-01-01T00:00:00Z', ...patch,
});
const listed = ({ metrics: _m, evaluations: _e, ...rest }: RunRecord) => rest;
const step = (number: number, lossTotal = 1): StepMetrics => ({
  step: number, elapsedMs: number, lossTotal, lossBenign: 1, lossSemantic: 0, lossKl: 0, meanDistance: 0, meanWeight: 1, gradNorm: 1, learningRate: 1e-3, tokens: 10, tokensPerSecond: 100,
});

const LOG: EngineEvent[] = [
  { type: 'ready', runs: [], storage: 'opfs' },
  { type: 'queued', jobId: 'j1', name: 'train' },
  { type: 'queued', jobId: 'j2', name: 'generate' },
  { type: 'started', jobId: 'j1', name: 'train', at: 't1' },
  { type: 'runChanged', run: listed(run()) },
  { type: 'progressed', jobId: 'j1', progress: { phase: 'training', done: 1, total: 60, unit: 'steps', elapsedMs: 10, etaMs: 590 } },
  { type: 'stepsLogged', jobId: 'j1', runId: 'run-1', steps: [step(1), step(2)] },
  { type: 'paused', jobId: 'j1' },
  { type: 'resumed', jobId: 'j1' },
  { type: 'stepsLogged', jobId: 'j1', runId: 'run-1', steps: [step(3)] },
  { type: 'done', jobId: 'j1', name: 'train', result: run({ status: 'completed', step: 3, metrics: [step(1), step(2), step(3)] }) },
  { type: 'started', jobId: 'j2', name: 'generate', at: 't2' },
  { type: 'textStreamed', jobId: 'j2', pieces: [{ promptId: 'p', sample: 0, text: 'I can' }] },
  { type: 'textStreamed', jobId: 'j2', pieces: [{ promptId: 'p', sample: 0, text: 'not.' }, { promptId: 'q', sample: 1, text: 'So' }] },
];

describe('the mirror of the engine', () => {
  it('replays a log of events to the same state, and says what happened', () => {
    const mirror = replay(LOG);
    expect(replay(LOG)).toEqual(mirror);
    expect(mirror.jobs.byId.j1?.status).toBe('done');
    expect(mirror.jobs.byId.j2).toMatchObject({ status: 'running', startedAt: 't2' });
    expect(mirror.runs.byId['run-1']?.metrics.map((line) => line.step)).toEqual([1, 2, 3]);
    expect(mirror.streams[streamKey('p', 0)]?.text).toBe('I cannot.');
  });

  it('never changes the state it was given', () => {
    const frozen = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return;
      Object.freeze(value);
      Object.values(value).forEach(frozen);
    };
    let mirror = emptyMirror;
    for (const event of LOG) {
      frozen(mirror);
      mirror = applyEvent(mirror, event);
    }
    expect(mirror).toEqual(replay(LOG));
  });

  it('gives a job exactly one end: later ends and progress change nothing', () => {
    const ended = replay(LOG);
    const after = applyEvent(ended, { type: 'failed', jobId: 'j1', name: 'train', failure: { code: 'internal', message: 'x' } });
    expect(after.jobs).toBe(ended.jobs);
    expect(applyEvent(ended, { type: 'progressed', jobId: 'j1', progress: { phase: 'x', done: 1, total: 2, unit: 'steps', elapsedMs: 0, etaMs: null } }).jobs).toBe(ended.jobs);
  });

  it('does not show a job as running before the engine said so', () => {
    expect(replay(LOG.slice(0, 3)).jobs.byId.j1?.status).toBe('queued');
  });

  it('keeps the newer lines when a resumed run logs a step again', () => {
    const mirror = replay([...LOG.slice(0, 7), { type: 'stepsLogged', jobId: 'j3', runId: 'run-1', steps: [step(2, 9), step(3, 8)] }]);
    expect(mirror.runs.byId['run-1']?.metrics.map((line) => [line.step, line.lossTotal])).toEqual([[1, 1], [2, 9], [3, 8]]);
  });

  it('puts evaluation points in order of step and replaces a repeated one', () => {
    const metrics = { unassessed: 0, perplexity: 1, perplexityTokens: 1 } as never;
    const point = (at: number, probes: never[] = []) => ({ type: 'evaluated', jobId: 'j1', runId: 'run-1', point: { step: at, metrics, probes } }) as EngineEvent;
    const mirror = replay([...LOG.slice(0, 5), point(10), point(0), point(10)]);
    expect(mirror.runs.byId['run-1']?.evaluations.map((entry) => entry.step)).toEqual([0, 10]);
  });

  it('clears streamed text when its response is finished, and the rest when the job ends', () => {
    const finished = applyEvent(replay(LOG), { type: 'responsesFinished', jobId: 'j2', responses: [{ promptId: 'p', sample: 0 } as never] });
    expect(Object.keys(finished.streams)).toEqual([streamKey('q', 1)]);
    expect(applyEvent(finished, { type: 'cancelled', jobId: 'j2', name: 'generate' }).streams).toEqual({});
  });

  it('forgets backend, model and open jobs when a fresh engine is ready, and keeps the run inventory it brings', () => {
    const mirror = applyEvent(replay(LOG), { type: 'ready', runs: [run({ id: 'b', createdAt: '2026-02-01' }), run({ id: 'a', createdAt: '2026-01-01' })], storage: 'memory', storageNotice: 'n' });
    expect(mirror.engine).toMatchObject({ status: 'ready', view: null, storage: 'memory', storageNotice: 'n' });
    expect(mirror.model).toBeNull();
    expect(mirror.jobs.byId.j2?.status).toBe('cancelled');
    expect(mirror.runs.order).toEqual(['a', 'b']);
    expect(mirror.streams).toEqual({});
  });

  it('says that the device is lost, and that a crashed engine cannot run only if it was not started again', () => {
    expect(applyEvent(emptyMirror, { type: 'deviceLost', reason: 'reset' }).engine).toMatchObject({ status: 'lost', lostReason: 'reset' });
    const crash = (respawned: boolean) => applyEvent(emptyMirror, { type: 'engineCrashed', failure: { code: 'internal', message: 'm' }, respawned }).engine.status;
    expect([crash(true), crash(false)]).toEqual(['starting', 'crashed']);
  });

  it('drops the oldest ended jobs beyond fifty, never an open one', () => {
    const events: EngineEvent[] = [{ type: 'queued', jobId: 'open', name: 'train' }];
    for (let index = 0; index < 80; index += 1) events.push({ type: 'queued', jobId: `k${index}`, name: 'listRuns' }, { type: 'cancelled', jobId: `k${index}`, name: 'listRuns' });
    const { jobs } = replay(events);
    expect(jobs.byId.open?.status).toBe('queued');
    expect(jobs.order.length).toBeLessThanOrEqual(52);
    expect(jobs.byId.k0).toBeUndefined();
    expect(Object.keys(jobs.byId).length).toBe(jobs.order.length);
  });
});
