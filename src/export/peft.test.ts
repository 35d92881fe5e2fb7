/**
 * Adapters in the hands of others: one that was trained here gives the same logits in Python peft, one that peft trained the same here, and what
 * is merged here is what peft merges. The other side is tools/reference/peft_roundtrip.py. Adapters that peft made once are in lm/adapter.gpu.test.ts.
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultEvaluationConfig } from '../config/evaluation.ts';
import { parseTrainConfig } from '../config/train.ts';
import { createAdapter, withAdapter } from '../lm/adapter.ts';
import { loadLm } from '../lm/loadLm.ts';
import { readLogits } from '../lm/readLogits.ts';
import { filesSource } from '../loader/folderSource.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { openModelFolder } from '../loader/modelFolder.ts';
import { readPeftAdapter } from '../loader/peftAdapter.ts';
import { type EngineHarness, openHarness, tinyConfigs, tinyModelFiles, tinyPrompts } from '../testing/engineHarness.ts';

const script = fileURLToPath(new URL('../../tools/reference/peft_roundtrip.py', import.meta.url));
const python = process.env['SIDESTEP_PYTHON'] ?? 'python3';
const pythonThere = spawnSync(python, ['-c', 'import torch, transformers, peft'], { timeout: 120_000 }).status === 0;
if (!pythonThere) console.warn(`"${python}" cannot import peft: adapters are not read by Python. Install it (pip install torch transformers peft) and name that Python in SIDESTEP_PYTHON.`);

type Files = { path: string; data: Uint8Array | Blob }[];
interface Told {
  withAdapter: number[][];
  merged: number[][];
  base: number[][];
  /** Matrices that are still zero. */
  unused: string[];
}

const ROWS = [[5, 17, 300, 42, 8, 479, 33], [101, 7, 64]];

const largestDifference = (ours: readonly ArrayLike<number>[], theirs: readonly number[][]): number =>
  theirs.reduce((most, row, i) => row.reduce((m, value, j) => Math.max(m, Math.abs(value - ours[i]![j]!)), most), 0);

const pairs = (set: string) => [0, 1, 2].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));

describe.skipIf(!pythonThere).each(Object.keys(tinyConfigs) as (keyof typeof tinyConfigs)[])('an adapter of %s', (family) => {
  let engine: EngineHarness;
  let temporary: string;
  const model = tinyModelFiles(3, tinyConfigs[family]);

  const write = async (folder: string, files: Files): Promise<string> => {
    for (const { path, data } of files) {
      const target = join(temporary, folder, path);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, data instanceof Blob ? new Uint8Array(await data.arrayBuffer()) : data);
    }
    return join(temporary, folder);
  };
  const read = (folder: string): Files => readdirSync(folder).map((path) => ({ path, data: new Uint8Array(readFileSync(join(folder, path))) }));
  const ask = async (mode: 'read' | 'train', adapter: string): Promise<Told> => {
    const [ids, out] = [join(temporary, 'ids.json'), join(temporary, 'out.json')];
    writeFileSync(ids, JSON.stringify(ROWS));
    await promisify(execFile)(python, [script, mode, join(temporary, 'base'), adapter, ids, out]);
    return JSON.parse(readFileSync(out, 'utf8')) as Told;
  };
  /** What the engine says with these files. */
  const logitsOf = async (base: Files, adapter: Files | null): Promise<Float32Array[]> => {
    const { config, tensors } = await openModelFolder(filesSource(base));
    const lm = await loadLm(config, tensors, { trainable: false });
    let tuned = null;
    if (adapter) {
      const { config: lora, tensors: matrices } = await readPeftAdapter(filesSource(adapter), config);
      tuned = withAdapter(lm, createAdapter(config, lora, matrices));
    }
    const logits = await readLogits(tuned ?? lm, ROWS);
    tuned?.dispose();
    lm.dispose();
    return logits;
  };

  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'sidestep-peft-'));
    await write('base', model.files);
    engine = await openHarness(createMemoryFileStore());
    await engine.run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
    await engine.run('loadModel', { source: model });
  });
  afterAll(async () => {
    await engine.session.close();
    rmSync(temporary, { recursive: true, force: true });
  });

  it('that was trained here gives the same logits in Python peft, merged there or here', async () => {
    const run = await engine.run('train', {
      name: 'round trip',
      config: parseTrainConfig({
        maxSteps: 4, evalSteps: 4, saveSteps: 4, benignPerStep: 2, unsafePerStep: 2, learningRate: 2e-2, warmupSteps: 0,
        trainingMethod: 'lora', lora: { r: 4, loraAlpha: 8, loraDropout: 0.05, targetModules: 'all-linear', useRslora: family === 'gpt2' },
      }),
      data: { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') },
      validation: tinyPrompts, evaluation: { ...defaultEvaluationConfig, maxNewTokens: 4, coherenceSamples: 4 }, lexicon: null, humanLabels: [],
    });
    const weights = { kind: 'run' as const, runId: run.id, step: 4 };
    const files = (await engine.run('exportModel', { weights, as: 'adapter' })).files;
    const told = await ask('read', await write('ours', files));
    const ours = await logitsOf(model.files, files);
    expect(told.unused).toEqual([]);
    expect(largestDifference(ours, told.withAdapter)).toBeLessThan(1e-4);
    expect(largestDifference(ours, told.base), 'the adapter counts').toBeGreaterThan(1e-2);
    const merged = (await engine.run('exportModel', { weights, as: 'merged' })).files;
    // The merged weights are rounded to the base's half precision.
    expect(largestDifference(await logitsOf(merged, null), told.merged)).toBeLessThan(2e-2);
  }, 240_000);

  it('that Python peft trained gives the same logits here, brought in as a run or read directly', async () => {
    const folder = join(temporary, 'theirs');
    const told = await ask('train', folder);
    const files = read(folder);
    expect(told.unused).toEqual([]);
    expect(largestDifference(await logitsOf(model.files, files), told.withAdapter)).toBeLessThan(1e-4);
    expect(largestDifference(told.withAdapter, told.base)).toBeGreaterThan(1e-2);
    const run = await engine.run('importAdapter', { name: 'theirs', files });
    expect(run).toMatchObject({ imported: true, checkpointSteps: [0], config: { trainingMethod: 'lora', lora: { r: 4, loraAlpha: 8 } } });
    const again = (await engine.run('exportModel', { weights: { kind: 'run', runId: run.id, step: 0 }, as: 'adapter' })).files;
    expect(largestDifference((await ask('read', await write('again', again))).withAdapter, told.withAdapter)).toBe(0);
  }, 240_000);
});
