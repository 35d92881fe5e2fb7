import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineWorker } from '../../src/client/engineClient.ts';
import type { Command, EngineEvent, Jobs } from '../../src/protocol/jobs.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Response } from '../../src/records/response.ts';
import { studio } from '../store/studio.ts';
import { closeEngine, connectEngine } from './engine.ts';
import { choosePrompts, continueGeneration, generateResponses, interruptedPlan, missingOf, regenerateResponse, spreadOverIntents } from './generateResponses.ts';

const prompt = (id: string, patch: Partial<Prompt> = {}): Prompt => ({ id, text: id, set: 'harmful', split: 'curate', source: 'typed', ...patch });
const PROMPTS = [prompt('a1', { intent: 'a' }), prompt('a2', { intent: 'a' }), prompt('b1', { intent: 'b' }), prompt('e', { set: 'everyday' }), prompt('t', { split: 'test' })];
type Asked = Jobs['generate']['params'];

let made = 0;
/** An engine that generates; it fails after `until` responses, as a crash would. */
function connect(until = Infinity): Asked[] {
  const asked: Asked[] = [];
  connectEngine(() => {
    let say: (event: EngineEvent) => void = () => undefined;
    return {
      postMessage(command: Command) {
        if (command.type !== 'start' || command.name !== 'generate') return;
        asked.push(command.params);
        queueMicrotask(() => {
          const responses: Response[] = [];
          for (const { id } of command.params.prompts)
            for (let sample = 0; sample < command.params.samplesPerPrompt; sample += 1) {
              if (responses.length >= until) return say({ type: 'failed', jobId: command.jobId, name: 'generate', failure: { code: 'internal', message: 'broke' } });
              const response: Response = { id: `r${(made += 1)}`, promptId: id, sample, text: 'x', tokenCount: 1, finishReason: 'stop', modelId: 'm', weightsFingerprint: 'f', seed: command.params.config.seed, temperature: 1, topK: 0, topP: 1, createdAt: 't' };
              responses.push(response);
              say({ type: 'responsesFinished', jobId: command.jobId, responses: [response] });
            }
          say({ type: 'done', jobId: command.jobId, name: 'generate', result: { responses, stopped: false } });
        });
      },
      terminate: () => undefined,
      addEventListener(type: string, listener: (event: never) => void) {
        if (type === 'message') say = (event) => listener({ data: event } as never);
      },
    } as EngineWorker;
  }, () => undefined);
  return asked;
}

beforeEach(async () => {
  await studio.clear();
  vi.stubGlobal('document', { baseURI: 'http://studio.test/' });
  vi.stubGlobal('fetch', async () => new globalThis.Response(JSON.stringify({ version: '1', harmfulPhrases: ['take'], helpful: {} })));
  studio.record({ type: 'added', collection: 'prompts', documents: PROMPTS });
  studio.edit('generate', { samplesPerPrompt: 2 });
});
afterEach(() => {
  closeEngine();
  vi.unstubAllGlobals();
});

const responses = () => studio.getState().project.responses;

describe('generating responses', () => {
  it('chooses harmful prompts of the curate split alone, one of each intent first', () => {
    const { project } = studio.getState();
    expect(choosePrompts(project, 'all', 0, []).map(({ id }) => id)).toEqual(['a1', 'a2', 'b1']);
    expect(choosePrompts(project, 'first', 2, []).map(({ id }) => id)).toEqual(['a1', 'b1']);
    expect(choosePrompts(project, 'selected', 0, ['e', 't', 'b1']).map(({ id }) => id)).toEqual(['b1']);
    expect(spreadOverIntents(PROMPTS.slice(0, 3)).map(({ id }) => id)).toEqual(['a1', 'b1', 'a2']);
  });

  it('keeps every finished response and leaves no plan behind', async () => {
    const asked = connect();
    expect(await generateResponses(PROMPTS.slice(0, 3))).toBe(true);
    expect(asked).toHaveLength(1);
    expect(responses()).toHaveLength(6);
    expect(interruptedPlan(studio.getState().drafts.pages)).toBeNull();
  });

  it('goes on after a break with exactly what is missing, and with another seed for prompts that have some', async () => {
    connect(3);
    expect(await generateResponses(PROMPTS.slice(0, 3))).toBe(false);
    expect(responses().map(({ promptId }) => promptId)).toEqual(['a1', 'a1', 'a2']);
    const plan = interruptedPlan(studio.getState().drafts.pages)!;
    expect(missingOf(plan, studio.getState().project).map(({ prompt: { id }, missing }) => [id, missing])).toEqual([['a2', 1], ['b1', 2]]);
    const asked = connect();
    expect(await continueGeneration()).toBe(true);
    expect(asked.map(({ prompts, samplesPerPrompt, config }) => [prompts.map(({ id }) => id), samplesPerPrompt, config.seed])).toEqual([[['a2'], 1, plan.config.seed + 1], [['b1'], 2, plan.config.seed]]);
    const counts = ['a1', 'a2', 'b1'].map((id) => responses().filter(({ promptId }) => promptId === id).length);
    expect(counts).toEqual([2, 2, 2]);
  });

  it('counts a new plan from the responses that were there before', async () => {
    connect();
    await generateResponses(PROMPTS.slice(0, 1));
    const asked = connect();
    await generateResponses(PROMPTS.slice(0, 1));
    expect(responses()).toHaveLength(4);
    expect(asked[0]?.config.seed).toBe(studio.getState().drafts.generate.config.seed + 2);
  });

  it('regenerates one response with the next seed, and gives its id', async () => {
    connect();
    await generateResponses(PROMPTS.slice(0, 1));
    const asked = connect();
    const id = await regenerateResponse('a1');
    expect(responses().at(-1)?.id).toBe(id);
    expect(asked[0]).toMatchObject({ samplesPerPrompt: 1, prompts: [{ id: 'a1' }] });
    expect(await regenerateResponse('gone')).toBeNull();
  });
});
