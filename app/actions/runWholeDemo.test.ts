import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineWorker } from '../../src/client/engineClient.ts';
import { defaultTrainConfig } from '../../src/config/train.ts';
import type { Command, EngineEvent, JobName } from '../../src/protocol/jobs.ts';
import type { Response } from '../../src/records/response.ts';
import { selectActiveJob } from '../store/stations.ts';
import { studio } from '../store/studio.ts';
import { getDemoProgress, idleDemo, setDemoProgress } from './demoProgress.ts';
import { closeEngine, connectEngine } from './engine.ts';
import { cancelDemo, runWholeDemo } from './runWholeDemo.ts';

type Start = Extract<Command, { type: 'start' }>;

/** An engine that answers each job at once with what `answer` gives; null leaves it running until it is cancelled. */
async function connectFake(answer: (command: Start) => unknown): Promise<Start[]> {
  const asked: Start[] = [];
  connectEngine(() => {
    let say: (event: EngineEvent) => void = () => undefined;
    const worker: EngineWorker = {
      postMessage(command) {
        if (command.type === 'cancel') {
          const job = asked.find((other) => other.jobId === command.jobId) as Start;
          queueMicrotask(() => say({ type: 'cancelled', jobId: job.jobId, name: job.name }));
        }
        if (command.type !== 'start') return;
        asked.push(command);
        const { jobId, name } = command;
        queueMicrotask(() => {
          say({ type: 'queued', jobId, name });
          say({ type: 'started', jobId, name, at: '' });
          const result = answer(command);
          if (result instanceof Error) say({ type: 'failed', jobId, name, failure: { code: 'internal', message: result.message } });
          else if (result !== null) {
            if (name === 'generate') say({ type: 'responsesFinished', jobId, responses: (result as { responses: Response[] }).responses });
            if (name === 'openEngine') say({ type: 'engineOpened', engine: result as never });
            if (name === 'loadModel') say({ type: 'modelLoaded', model: result as never });
            say({ type: 'done', jobId, name, result } as EngineEvent);
          }
        });
      },
      terminate: () => undefined,
      addEventListener(type: string, listener: (event: never) => void) {
        if (type !== 'message') return;
        say = (event) => listener({ data: event } as never);
        queueMicrotask(() => say({ type: 'ready', runs: [], storage: 'memory' }));
      },
    };
    return worker;
  }, () => undefined);
  await Promise.resolve();
  return asked;
}

const run = { id: 'r', name: 'demo-run', status: 'completed', config: defaultTrainConfig, step: 60, bestStep: 50, checkpointSteps: [50], savedStep: null, metrics: [], evaluations: [], createdAt: '' };
const report = { weightsFingerprint: 'w', split: 'test', answers: [], judges: [] };

function answerAll(command: Start): unknown {
  switch (command.name) {
    case 'openEngine':
      return { backend: 'wasm' };
    case 'loadModel':
      return { id: 'm', storage: 'f32', parameterCount: 1e6, name: 'demo' };
    case 'generate':
      return {
        stopped: false,
        responses: command.params.prompts.flatMap((prompt) =>
          Array.from({ length: command.params.samplesPerPrompt }, (_, sample) => ({
            id: `${prompt.id}-${sample}`, promptId: prompt.id, sample, text: `answer ${sample}`, verdict: { outcome: sample === 0 ? 'complied' : 'refused', judge: 'test' },
          })),
        ),
      };
    case 'train':
      return run;
    case 'evaluate':
      return [report, report];
    default:
      return {};
  }
}
const names = (asked: Start[]): JobName[] => asked.map((command) => command.name);
const stateOf = (id: string) => getDemoProgress().stations.find((station) => station.id === id)?.state;

beforeEach(async () => {
  vi.stubGlobal('document', { baseURI: 'http://studio.test/' });
  vi.stubGlobal('location', { hash: '' });
  vi.stubGlobal('fetch', (url: URL) => Promise.resolve(new globalThis.Response(readFileSync(new URL(`../../public${url.pathname}`, import.meta.url)))));
  await studio.restore({ project: null, drafts: null });
});

afterEach(() => {
  closeEngine();
  const { project } = studio.getState();
  studio.record({
    type: 'batch',
    events: [
      { type: 'curationsSet', curations: Object.keys(project.curations).map((responseId) => ({ responseId, curation: null })) },
      { type: 'removed', collection: 'responses', ids: project.responses.map((response) => response.id) },
      { type: 'removed', collection: 'prompts', ids: project.prompts.map((prompt) => prompt.id) },
      { type: 'removed', collection: 'reports', ids: project.reports.map((saved) => saved.id) },
    ],
  });
  setDemoProgress(idleDemo);
  vi.unstubAllGlobals();
});

describe('runWholeDemo', () => {
  it('takes every station in order and ends on Evaluate with a saved result', async () => {
    const asked = await connectFake(answerAll);
    const evaluationId = await runWholeDemo();
    expect(names(asked)).toEqual(['openEngine', 'loadModel', 'generate', 'train', 'evaluate']);
    expect(getDemoProgress().status).toBe('done');
    expect(studio.getState().project.reports.map((saved) => [saved.evaluationId, saved.weights.kind])).toEqual([[evaluationId, 'base'], [evaluationId, 'run']]);
    expect(location.hash).toBe('#/evaluate/r');
  });

  it('trains with the defaults on exactly the responses whose suggestion was unsafe, and evaluates the test split', async () => {
    const asked = await connectFake(answerAll);
    studio.edit('train', { config: { ...defaultTrainConfig, maxSteps: 7 } });
    await runWholeDemo();
    const train = asked.find((command) => command.name === 'train') as Extract<Start, { name: 'train' }>;
    const evaluate = asked.find((command) => command.name === 'evaluate') as Extract<Start, { name: 'evaluate' }>;
    expect(train.params.config).toEqual(defaultTrainConfig);
    expect(new Set(train.params.data.unsafe.map((row) => row.response))).toEqual(new Set(['answer 0']));
    expect(train.params.validation.every((prompt) => prompt.split === 'validation')).toBe(true);
    expect(evaluate.params.split).toBe('test');
    expect(evaluate.params.prompts.every((prompt) => prompt.split === 'test')).toBe(true);
    expect(studio.getState().history.done.at(-1)?.title).toMatch(/^Accept \d+ suggestions$/);
  });

  it('stops at a failed station, says which, and keeps what was made', async () => {
    const asked = await connectFake((command) => (command.name === 'train' ? new Error('lost') : answerAll(command)));
    expect(await runWholeDemo()).toBeNull();
    expect(names(asked).at(-1)).toBe('train');
    expect([getDemoProgress().status, stateOf('train'), stateOf('evaluate')]).toEqual(['failed', 'failed', 'waiting']);
    expect(studio.getState().project.responses.length).toBeGreaterThan(0);
  });

  it('is cancelled in the middle of a job, and starts no other', async () => {
    const asked = await connectFake((command) => (command.name === 'generate' ? null : answerAll(command)));
    const finished = runWholeDemo();
    await vi.waitFor(() => expect(names(asked)).toContain('generate'));
    await vi.waitFor(() => expect(selectActiveJob(studio.getState())?.name).toBe('generate'));
    cancelDemo();
    expect(await finished).toBeNull();
    expect([getDemoProgress().status, stateOf('generate')]).toEqual(['cancelled', 'cancelled']);
    expect(names(asked).at(-1)).toBe('generate');
  });

  it('cancels a job that starts only after the person has cancelled', async () => {
    const asked = await connectFake((command) => (command.name === 'openEngine' ? null : answerAll(command)));
    const finished = runWholeDemo();
    cancelDemo();
    expect(await finished).toBeNull();
    expect([getDemoProgress().status, names(asked).filter((name) => name !== 'openEngine')]).toEqual(['cancelled', []]);
  });

  it('skips what is there already when it is run again', async () => {
    await connectFake(answerAll);
    await runWholeDemo();
    const labelled = Object.keys(studio.getState().project.curations).length;
    await runWholeDemo();
    expect(['engine', 'model', 'prompts', 'generate', 'label'].map(stateOf)).toEqual(['skipped', 'skipped', 'skipped', 'skipped', 'skipped']);
    expect(Object.keys(studio.getState().project.curations)).toHaveLength(labelled);
  });
});
