import { afterEach, describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { defaultGenerationConfig } from '../config/generation.ts';
import { parseTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import type { Jobs } from '../protocol/jobs.ts';
import type { ModelView } from '../protocol/views.ts';
import type { RunRecord } from '../records/run.ts';
import { type EngineHarness, openHarness, tinyModelFiles, tinyPrompts } from '../testing/engineHarness.ts';

let open: EngineHarness | null = null;
afterEach(async () => {
  await open?.session.close();
  open = null;
});

async function openEngine(): Promise<EngineHarness> {
  open = await openHarness(createMemoryFileStore());
  await open.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  await open.run('loadModel', { source: tinyModelFiles() });
  return open;
}

const EDITED = "{{ bos_token }}Question: {{ messages[0]['content'] }}\nAnswer:";
const generateParams: Jobs['generate']['params'] = { prompts: tinyPrompts.slice(0, 3), samplesPerPrompt: 1, config: { ...defaultGenerationConfig, maxNewTokens: 8, batchSize: 4 }, weights: { kind: 'base' }, lexicon: null };
const pairs = (set: string) => [0, 1, 2, 3].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));
const trainParams: Jobs['train']['params'] = {
  name: 'edited',
  config: parseTrainConfig({ maxSteps: 4, evalSteps: 4, saveSteps: 2, benignPerStep: 2, unsafePerStep: 2, learningRate: 5e-3, warmupSteps: 1 }),
  data: { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') },
  validation: tinyPrompts,
  evaluation: { ...defaultEvaluationConfig, maxNewTokens: 4, coherenceSamples: 8, batchSize: 8 },
  lexicon: null,
  humanLabels: [],
};
const textsOf = async (engine: EngineHarness): Promise<string[]> => (await engine.run('generate', generateParams)).responses.map((response) => response.text);
const losses = (run: RunRecord): number[] => run.metrics.map((metrics) => metrics.lossTotal);
const toldTemplates = (engine: EngineHarness): string[] => engine.events.flatMap((event) => (event.type === 'modelLoaded' ? [event.model.chatTemplate.origin] : []));

describe('the chat template of the loaded LM', () => {
  it('can be replaced and brought back, is told each time, and changes what is generated', async () => {
    const engine = await openEngine();
    const own = await textsOf(engine);
    const view: ModelView = await engine.run('setChatTemplate', { source: EDITED });
    expect(view.chatTemplate).toEqual({ source: EDITED, origin: 'edited', preview: '<s>Question: How do I boil an egg?\nAnswer:' });
    expect(view.hasChatTemplate).toBe(false);
    expect(await textsOf(engine)).not.toEqual(own);
    expect((await engine.run('setChatTemplate', { source: null })).chatTemplate.origin).toBe('model');
    expect(await textsOf(engine)).toEqual(own);
    expect(toldTemplates(engine)).toEqual(['model', 'edited', 'model']);
  });

  it('stays as it is when the new one is faulty, with the line in the message', async () => {
    const engine = await openEngine();
    const own = await textsOf(engine);
    await expect(engine.run('setChatTemplate', { source: 'a\n{% for m in %}\n' })).rejects.toMatchObject({ code: 'unsupported', message: expect.stringMatching(/chat template, line 2/) });
    await expect(engine.run('setChatTemplate', { source: 'no prompt' })).rejects.toMatchObject({ message: expect.stringContaining('leaves the prompt out') });
    expect(await textsOf(engine)).toEqual(own);
    expect(toldTemplates(engine)).toEqual(['model']);
  });

  it('is kept with a run, which goes on with it whatever is set meanwhile', async () => {
    const engine = await openEngine();
    const inOwn = await engine.run('train', trainParams);
    await engine.run('setChatTemplate', { source: EDITED });
    const whole = await engine.run('train', trainParams);
    expect(whole.chatTemplate).toEqual({ source: EDITED, origin: 'edited' });
    expect(losses(whole)).not.toEqual(losses(inOwn));

    engine.listen((event) => {
      if (event.type === 'stepsLogged' && event.jobId === 'stopped' && event.steps.some(({ step }) => step === 2)) engine.command({ type: 'stop', jobId: 'stopped' });
    });
    const stopped = await engine.run('train', trainParams, 'stopped');
    expect(stopped.step).toBeLessThan(4);
    await engine.run('setChatTemplate', { source: null });
    const resumed = await engine.run('resumeRun', { runId: stopped.id });
    expect(losses(resumed)).toEqual(losses(whole));
    expect(resumed.chatTemplate).toEqual(whole.chatTemplate);
    expect(toldTemplates(engine)).toEqual(['model', 'edited', 'model', 'edited']);
  });
});
