import { afterEach, describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { defaultGenerationConfig } from '../config/generation.ts';
import { parseTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import type { EngineEvent, Jobs } from '../protocol/jobs.ts';
import type { RunRecord } from '../records/run.ts';
import { type EngineHarness, openHarness, tinyModelFiles, tinyPrompts } from '../testing/engineHarness.ts';

let open: EngineHarness | null = null;
afterEach(async () => {
  await open?.session.close();
  open = null;
});

/** An engine on WASM with the tiny LM loaded. */
async function openEngine(files: RangeStore = createMemoryFileStore()): Promise<EngineHarness> {
  await open?.session.close();
  open = await openHarness(files);
  await open.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  await open.run('loadModel', { source: tinyModelFiles() });
  return open;
}

const generation = { ...defaultGenerationConfig, maxNewTokens: 12, batchSize: 4 };
const generateParams: Jobs['generate']['params'] = { prompts: tinyPrompts.slice(0, 5), samplesPerPrompt: 2, config: generation, weights: { kind: 'base' }, lexicon: null };
const pairs = (set: string) => [0, 1, 2, 3].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));
const trainParams: Jobs['train']['params'] = {
  name: 'tiny run',
  config: parseTrainConfig({ maxSteps: 6, evalSteps: 2, saveSteps: 2, benignPerStep: 2, unsafePerStep: 2, learningRate: 5e-3, warmupSteps: 1 }),
  data: { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') },
  validation: tinyPrompts,
  evaluation: { ...defaultEvaluationConfig, maxNewTokens: 6, coherenceSamples: 8, batchSize: 8 },
  lexicon: null,
  humanLabels: [],
};
const losses = (run: RunRecord) => run.metrics.map((metrics) => metrics.lossTotal);
const evaluationsOf = (run: RunRecord) => run.evaluations.map(({ step, metrics, probes }) => ({ step, metrics, answers: probes.map((probe) => probe.response) }));
const storySince = (events: EngineEvent[], from: number) => events.slice(from).map((event) => event.type);

/** What is in a store now, as another store: what a reload would find. */
async function snapshotOf(files: RangeStore): Promise<RangeStore> {
  const copy = createMemoryFileStore();
  for (const path of await files.list('runs')) await copy.write(path, (await files.read(path)) as Uint8Array);
  return copy;
}

describe('the engine session on WebAssembly', () => {
  it('opens, says why this backend, and names what was tried first', async () => {
    open = await openHarness(createMemoryFileStore());
    const view = await open.run('openEngine', { backend: 'auto', allowSoftwareAdapter: false });
    expect(view.backend).toBe('wasm');
    expect(view.rejected.map((rejected) => rejected.backend)).toEqual(['webgpu']);
    expect(view.reason).toContain(view.rejected[0]!.reason);
    expect(view.preflightMs).toBeGreaterThan(0);
    expect(storySince(open.events, 0)).toEqual(expect.arrayContaining(['ready', 'queued', 'started', 'engineOpened', 'done']));
  });

  it('refuses jobs that lack an engine or a model with advice', async () => {
    open = await openHarness(createMemoryFileStore());
    await expect(open.run('measureMemory', {})).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('Open the engine') });
    await open.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
    await expect(open.run('generate', generateParams)).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('Load one') });
  });

  it('keeps the loaded model when the next one is malformed', async () => {
    const engine = await openEngine();
    const before = await engine.run('measureMemory', {});
    const broken = tinyModelFiles();
    broken.files = broken.files.map((file) => (file.path === 'model.safetensors' ? { ...file, data: file.data.slice(0, -5) } : file));
    await expect(engine.run('loadModel', { source: broken })).rejects.toMatchObject({ code: 'bad-file' });
    expect(await engine.run('measureMemory', {})).toEqual(before);
    expect((await engine.run('generate', generateParams)).responses).toHaveLength(10);
  });

  it('generates the same texts from the same seed, streams exactly them, and leaves no tensor behind', async () => {
    const engine = await openEngine();
    const before = await engine.run('measureMemory', {});
    const first = await engine.run('generate', generateParams, 'first');
    const second = await engine.run('generate', { ...generateParams, config: { ...generation, batchSize: 3 } });
    const texts = (responses: typeof first.responses) => new Map(responses.map((r) => [`${r.promptId}/${r.sample}`, r.text]));
    expect(texts(second.responses)).toEqual(texts(first.responses));
    expect(new Set(texts(first.responses).values()).size).toBeGreaterThan(5);
    const streamed = new Map<string, string>();
    for (const event of engine.events)
      if (event.type === 'textStreamed' && event.jobId === 'first')
        for (const piece of event.pieces) streamed.set(`${piece.promptId}/${piece.sample}`, (streamed.get(`${piece.promptId}/${piece.sample}`) ?? '') + piece.text);
    for (const [key, text] of texts(first.responses)) expect(streamed.get(key) ?? '').toBe(text);
    const other = await engine.run('generate', { ...generateParams, config: { ...generation, seed: 43 } });
    expect(texts(other.responses)).not.toEqual(texts(first.responses));
    expect(await engine.run('measureMemory', {})).toEqual(before);
  });

  it('stops generating on request and keeps what there is, marked as broken off', async () => {
    const engine = await openEngine();
    engine.listen((event) => {
      if (event.type === 'textStreamed') engine.command({ type: 'stop', jobId: 'long' });
    });
    const result = await engine.run('generate', { ...generateParams, samplesPerPrompt: 50, config: { ...generation, maxNewTokens: 80 } }, 'long');
    expect(result.stopped).toBe(true);
    expect(result.responses.length).toBeLessThan(250);
    const cut = result.responses.filter((response) => response.finishReason === 'cancelled');
    expect(cut.length).toBeGreaterThan(0);
    expect(cut.every((response) => response.verdict === undefined)).toBe(true);
  });

  it('trains: every step is told, evaluations at step 0, between and at the end, a best step with its reason, no tensor left', async () => {
    const engine = await openEngine();
    const before = await engine.run('measureMemory', {});
    const run = await engine.run('train', trainParams);
    expect(run.status).toBe('completed');
    expect(run.metrics.map((metrics) => metrics.step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(run.evaluations.map((point) => point.step)).toEqual([0, 2, 4, 6]);
    expect(run.checkpointSteps).toEqual([0, 2, 4, 6]);
    expect(run.bestReason).toContain(`tep ${run.bestStep}`);
    expect(losses(run).at(-1)).toBeLessThan(losses(run)[0] as number);
    const told = engine.events.flatMap((event) => (event.type === 'stepsLogged' ? event.steps.map((step) => step.step) : []));
    expect(told).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await engine.run('listRuns', {})).toEqual([run]);
    expect(await engine.run('measureMemory', {})).toEqual(before);
  });

  it('gives the same losses and answers from the same seed', async () => {
    const engine = await openEngine();
    const [first, second] = [await engine.run('train', trainParams), await engine.run('train', trainParams)];
    expect(losses(second)).toEqual(losses(first));
    expect(evaluationsOf(second)).toEqual(evaluationsOf(first));
    expect(second.id).not.toBe(first.id);
  });

  it('goes on after a reload at any step as if it had never stopped', async () => {
    const files = createMemoryFileStore();
    const engine = await openEngine(files);
    const snapshots: Promise<RangeStore>[] = [];
    engine.listen((event) => {
      if (event.type === 'stepsLogged' || event.type === 'evaluated') snapshots.push(snapshotOf(files));
    });
    const whole = await engine.run('train', trainParams);
    expect(snapshots.length).toBeGreaterThan(4);
    for (const snapshot of await Promise.all(snapshots)) {
      const later = await openEngine(snapshot);
      const found = (await later.run('listRuns', {}))[0] as RunRecord;
      if (found.status === 'completed') continue;
      expect(found.status).toBe('interrupted');
      const resumed = await later.run('resumeRun', { runId: whole.id });
      expect(losses(resumed)).toEqual(losses(whole));
      expect(evaluationsOf(resumed)).toEqual(evaluationsOf(whole));
      expect(resumed).toMatchObject({ status: 'completed', bestStep: whole.bestStep, bestReason: whole.bestReason, checkpointSteps: whole.checkpointSteps });
    }
  });

  it('stops early, keeps and evaluates the last step, and can go on from there', async () => {
    const files = createMemoryFileStore();
    const write = files.write.bind(files);
    files.write = (path, bytes) => {
      if (path.endsWith('state-3.bin')) engine.command({ type: 'stop', jobId: 'stopped' });
      return write(path, bytes);
    };
    const engine = await openEngine(files);
    // Step 3 is saved, but no evaluation is due.
    const params = { ...trainParams, config: { ...trainParams.config, evalSteps: 5, saveSteps: 3 } };
    const stopped = await engine.run('train', params, 'stopped');
    expect(stopped.status).toBe('stopped');
    expect(stopped.evaluations.map((point) => point.step)).toEqual([0, 3]);
    expect(stopped.checkpointSteps).toEqual([0, 3]);
    const whole = await engine.run('train', params);
    const resumed = await engine.run('resumeRun', { runId: stopped.id });
    expect(losses(resumed)).toEqual(losses(whole));
  });

  it('pauses with everything saved and resumes with the same losses', async () => {
    const files = createMemoryFileStore();
    const engine = await openEngine(files);
    const whole = await engine.run('train', trainParams);
    const seen: string[] = [];
    engine.listen((event) => {
      if (event.type === 'runChanged') seen.push(event.run.status);
      if (event.type === 'evaluated' && event.point.step === 2) engine.command({ type: 'pause', jobId: 'paused' });
      if (event.type === 'paused') engine.command({ type: 'resume', jobId: 'paused' });
    });
    const run = await engine.run('train', trainParams, 'paused');
    expect(losses(run)).toEqual(losses(whole));
    expect(seen).toContain('paused');
    expect(storySince(engine.events, 0)).toEqual(expect.arrayContaining(['paused', 'resumed']));
  });

  it('leaves a cancelled run stopped, resumable and without a result', async () => {
    const engine = await openEngine();
    engine.listen((event) => {
      if (event.type === 'evaluated' && event.point.step === 2) engine.command({ type: 'cancel', jobId: 'cancelled' });
    });
    await expect(engine.run('train', trainParams, 'cancelled')).rejects.toMatchObject({ code: 'cancelled' });
    const [run] = await engine.run('listRuns', {});
    expect(run?.status).toBe('stopped');
    expect((await engine.run('resumeRun', { runId: run!.id })).status).toBe('completed');
  });

  it('refuses test prompts for choosing a checkpoint, unusable rows, and runs of another model', async () => {
    const engine = await openEngine();
    const validation = tinyPrompts.map((prompt) => ({ ...prompt, split: 'test' as const }));
    await expect(engine.run('train', { ...trainParams, validation })).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(engine.run('train', { ...trainParams, data: { unsafe: [], everyday: [], borderline: [] } })).rejects.toMatchObject({ code: 'bad-argument' });
    expect(await engine.run('listRuns', {})).toEqual([]);
    const run = await engine.run('train', { ...trainParams, config: { ...trainParams.config, maxSteps: 1 } });
    await engine.run('loadModel', { source: tinyModelFiles(2) });
    const wanted = { weights: [{ kind: 'run' as const, runId: run.id, step: 'last' as const }], prompts: tinyPrompts, split: 'custom' as const, config: trainParams.evaluation, lexicon: null, humanLabels: [] };
    await expect(engine.run('evaluate', wanted)).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('another model') });
  });

  it('evaluates base and tuned weights on the same prompts, the threshold measured once, and never mixes them up', async () => {
    const engine = await openEngine();
    const run = await engine.run('train', trainParams);
    const params: Jobs['evaluate']['params'] = {
      weights: [{ kind: 'base' }, { kind: 'run', runId: run.id, step: 6 }, { kind: 'base' }],
      prompts: tinyPrompts, split: 'custom', config: trainParams.evaluation, lexicon: null, humanLabels: [],
    };
    const before = await engine.run('measureMemory', {});
    const [base, tuned, again] = await engine.run('evaluate', params);
    expect(tuned!.answers.map((answer) => answer.promptId)).toEqual(base!.answers.map((answer) => answer.promptId));
    expect(tuned!.answers.map((answer) => answer.response)).not.toEqual(base!.answers.map((answer) => answer.response));
    expect(again!.answers).toEqual(base!.answers);
    expect(new Set([base, tuned, again].map((report) => report!.coherenceThresholdNats)).size).toBe(1);
    expect(tuned!.weightsFingerprint).not.toBe(base!.weightsFingerprint);
    expect(base!.metrics).toEqual(run.evaluations[0]!.metrics);
    expect(await engine.run('measureMemory', {})).toEqual(before);
  });

  it('exports a folder that gives the same answers when it is loaded again', async () => {
    const engine = await openEngine();
    const run = await engine.run('train', trainParams);
    const weights = { kind: 'run' as const, runId: run.id, step: 6 };
    const live = await engine.run('generate', { ...generateParams, weights });
    const exported = await engine.run('exportModel', { weights, as: 'merged' });
    expect(exported.verified).toMatch(/difference of any logit \d/);
    const model = await engine.run('loadModel', { source: { kind: 'files', name: 'again', files: exported.files } });
    expect(model.fingerprint).toBe(exported.fingerprint);
    expect(live.responses[0]!.weightsFingerprint).toBe(exported.fingerprint);
    const back = await engine.run('generate', generateParams);
    expect(back.responses.map((response) => response.text).sort()).toEqual(live.responses.map((response) => response.text).sort());
  });

  it('renames and deletes runs, also damaged ones', async () => {
    const files = createMemoryFileStore();
    const engine = await openEngine(files);
    const run = await engine.run('train', { ...trainParams, config: { ...trainParams.config, maxSteps: 1 } });
    await engine.run('renameRun', { runId: run.id, name: '  better  ' });
    expect((await engine.run('listRuns', {}))[0]!.name).toBe('better');
    await files.write(`runs/${run.id}/run.json`, new Uint8Array([1, 2, 3]));
    expect((await engine.run('listRuns', {}))[0]).toMatchObject({ status: 'failed', failure: { code: 'bad-file' } });
    await engine.run('deleteRun', { runId: run.id });
    expect(await files.list('runs')).toEqual([]);
  });
});
