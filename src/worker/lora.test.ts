import { afterEach, describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { defaultGenerationConfig } from '../config/generation.ts';
import { parseTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import type { Jobs } from '../protocol/jobs.ts';
import type { WeightsRef } from '../protocol/views.ts';
import type { RunRecord } from '../records/run.ts';
import { type EngineHarness, openHarness, tinyConfigs, tinyModelFiles, tinyPrompts } from '../testing/engineHarness.ts';

let open: EngineHarness | null = null;
afterEach(async () => {
  await open?.session.close();
  open = null;
});

async function openEngine(files: RangeStore = createMemoryFileStore(), model = tinyModelFiles()): Promise<EngineHarness> {
  await open?.session.close();
  open = await openHarness(files);
  await open.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
  await open.run('loadModel', { source: model });
  return open;
}

const pairs = (set: string) => [0, 1, 2, 3].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));
const settings = { trainingMethod: 'lora', lora: { r: 4, loraDropout: 0.1 }, maxSteps: 4, evalSteps: 2, saveSteps: 2, benignPerStep: 2, unsafePerStep: 2, learningRate: 2e-2, warmupSteps: 1, klBeta: 0.1 };
const trainParams: Jobs['train']['params'] = {
  name: 'lora', config: parseTrainConfig(settings), data: { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') },
  validation: tinyPrompts, evaluation: { ...defaultEvaluationConfig, maxNewTokens: 6, coherenceSamples: 8, batchSize: 8 }, lexicon: null, humanLabels: [],
};
const generateParams = (weights: WeightsRef): Jobs['generate']['params'] => ({
  prompts: tinyPrompts.slice(0, 3), samplesPerPrompt: 1, config: { ...defaultGenerationConfig, temperature: 0, maxNewTokens: 12 }, weights, lexicon: null,
});
const textsOf = async (engine: EngineHarness, weights: WeightsRef): Promise<string[]> => (await engine.run('generate', generateParams(weights))).responses.map(({ promptId, text }) => `${promptId}: ${text}`).sort();
const timeless = (run: RunRecord) => run.metrics.map(({ elapsedMs: _elapsedMs, tokensPerSecond: _tokensPerSecond, ...rest }) => rest);

describe('LoRA in the engine session', () => {
  it('trains an adapter, exports it alone and merged, takes it back in, and scales it: strength 0 is the base', async () => {
    const engine = await openEngine();
    const before = await engine.run('measureMemory', {});
    const record = await engine.run('train', trainParams);
    expect(record.status).toBe('completed');
    expect(record.metrics.at(-1)!.lossTotal).toBeLessThan(record.metrics[0]!.lossTotal);
    const weights = { kind: 'run' as const, runId: record.id, step: 'last' as const };
    const adapter = await engine.run('exportModel', { weights, as: 'adapter' });
    expect(adapter.files.map(({ path }) => path).sort()).toEqual(['README.md', 'adapter_config.json', 'adapter_model.safetensors']);
    expect(adapter.verified).toMatch(/adapter, F32/);
    const imported = await engine.run('importAdapter', { name: 'back', files: adapter.files });
    expect(imported.notice).toBeUndefined();
    const own = await textsOf(engine, weights);
    expect(await textsOf(engine, { ...weights, runId: imported.id })).toEqual(own);
    const base = await textsOf(engine, { kind: 'base' });
    expect(own).not.toEqual(base);
    expect(await textsOf(engine, { ...weights, strength: 0 })).toEqual(base);
    await expect(engine.run('generate', generateParams({ ...weights, strength: 1.6 }))).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('from 0 to 1.5') as string });
    await expect(engine.run('exportModel', { weights: { kind: 'base' }, as: 'adapter' })).rejects.toMatchObject({ code: 'bad-argument', message: expect.stringContaining('no adapter') as string });
    expect((await engine.run('measureMemory', {})).numTensors).toBe(before.numTensors);
  });

  it('merges in the base\'s own number formats, and what is merged says what base and adapter say', async () => {
    const engine = await openEngine();
    const record = await engine.run('train', trainParams);
    const weights = { kind: 'run' as const, runId: record.id, step: 'last' as const, strength: 0.5 };
    const apart = await textsOf(engine, weights);
    const merged = await engine.run('exportModel', { weights, as: 'merged' });
    expect(merged.verified).toMatch(/largest difference of any logit \d.*\(F16\)/);
    const file = merged.files.find(({ path }) => path === 'model.safetensors')!.data as Blob;
    const stored = parseSafetensors(new Uint8Array(await file.arrayBuffer()));
    expect(new Set([...stored.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F16']));
    const unchanged = await engine.run('exportModel', { weights: { kind: 'base' }, as: 'merged' });
    expect(unchanged.verified).toMatch(/logit 0\.0e\+0/);
    const view = await engine.run('loadModel', { source: { kind: 'files', name: 'merged', files: merged.files } });
    expect(view.fingerprint).toBe(merged.fingerprint);
    expect(await textsOf(engine, { kind: 'base' })).toEqual(apart);
  });

  it('goes on after a reload as if it had never stopped, dropout included, and keeps adapters alone', async () => {
    const files = createMemoryFileStore();
    const whole = await (await openEngine(files)).run('train', trainParams);
    const copy = createMemoryFileStore();
    for (const path of await files.list('runs')) await copy.write(path, (await files.read(path)) as Uint8Array);
    await copy.remove(`runs/${whole.id}/state-4.bin`);
    const record = JSON.parse(new TextDecoder().decode((await copy.read(`runs/${whole.id}/run.json`))!)) as { content: RunRecord };
    await copy.write(`runs/${whole.id}/run.json`, new TextEncoder().encode(JSON.stringify({ ...record, content: { ...record.content, status: 'running' } })));
    const engine = await openEngine(copy);
    const resumed = await engine.run('resumeRun', { runId: whole.id });
    expect(timeless(resumed)).toEqual(timeless(whole));
    expect(resumed.evaluations.map(({ step, metrics }) => ({ step, metrics }))).toEqual(whole.evaluations.map(({ step, metrics }) => ({ step, metrics })));
    expect(await copy.read(`runs/${whole.id}/step-4.safetensors`)).toEqual(await files.read(`runs/${whole.id}/step-4.safetensors`));
    const stored = parseSafetensors((await files.read(`runs/${whole.id}/step-4.safetensors`))!);
    expect([...stored.keys()].every((name) => /lora_[AB]\.weight$/.test(name))).toBe(true);
    expect(stored.size).toBe(14);
  });

  it('begins every run at the base, whatever its seed, and draws other dropout for another one', async () => {
    const engine = await openEngine();
    const first = await engine.run('train', trainParams);
    const again = await engine.run('train', trainParams);
    const other = await engine.run('train', { ...trainParams, config: { ...trainParams.config, seed: 43 } });
    expect(timeless(again)).toEqual(timeless(first));
    expect(timeless(other)).not.toEqual(timeless(first));
    expect(other.evaluations[0]!.metrics).toEqual(first.evaluations[0]!.metrics);
  });

  it('tells of an adapter that names another base, and refuses one that does not fit or layers that are not there', async () => {
    const engine = await openEngine();
    const record = await engine.run('train', { ...trainParams, config: parseTrainConfig({ ...settings, maxSteps: 1, lora: { r: 2, targetModules: ['q_proj', 'up_proj'] } }) });
    const { files } = await engine.run('exportModel', { weights: { kind: 'run', runId: record.id, step: 'last' }, as: 'adapter' });
    const model = tinyModelFiles();
    await engine.run('loadModel', { source: { ...model, name: 'another' } });
    const run = await engine.run('importAdapter', { name: 'from elsewhere', files });
    expect(run.notice).toMatch(/names tiny as its base; loaded is another/);
    expect((await engine.run('listRuns', {})).find(({ id }) => id === run.id)).toMatchObject({ imported: true, notice: run.notice, checkpointSteps: [0], config: { lora: { r: 2, targetModules: ['q_proj', 'up_proj'] } } });
    await engine.run('loadModel', { source: tinyModelFiles(1, tinyConfigs.gpt2) });
    await expect(engine.run('importAdapter', { name: 'no', files })).rejects.toMatchObject({ code: 'bad-file', message: expect.stringContaining('for another model') as string });
    await expect(engine.run('train', { ...trainParams, config: parseTrainConfig({ ...settings, lora: { targetModules: ['q_proj'] } }) })).rejects.toMatchObject({ code: 'bad-config', message: expect.stringContaining('it has c_attn, c_proj, c_fc') as string });
  });
});
