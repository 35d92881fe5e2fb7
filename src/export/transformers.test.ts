/**
 * The exported folder in the hands of others: transformers loads it with its Auto classes and gets the logits and token ids that the engine gets.
 * The reading side is tools/reference/check_export.py. Not for the folder's files one by one (export.test.ts).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Rng } from '../base/rng.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import type { NamedValues } from '../kernels/slabLayout.ts';
import { createLm, readParams, type LanguageModel } from '../lm/params.ts';
import { readLogits } from '../lm/readLogits.ts';
import { filesSource } from '../loader/folderSource.ts';
import { openModelFolder, type ModelFolder } from '../loader/modelFolder.ts';
import { readTensors, type WeightTensor } from '../loader/storedTensor.ts';
import { openTestBackend } from '../testing/backend.ts';
import { createTokenizer } from '../tokenizer/tokenizer.ts';
import { writeHfFolder } from './hfFolder.ts';
import type { ExportFile } from './zip.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const demo = join(root, 'public/models/demo');
const demoThere = existsSync(join(demo, 'model.safetensors'));
if (!demoThere) console.warn('public/models/demo is not there: its export is not tested.');

const python = process.env['SIDESTEP_PYTHON'] ?? 'python3';
const pythonThere = demoThere && spawnSync(python, ['-c', 'import torch, transformers, safetensors, jinja2'], { timeout: 60_000 }).status === 0;
if (!pythonThere)
  console.warn(`"${python}" cannot import torch and transformers: the export is not read by Python. Install them (pip install torch transformers jinja2) and name that Python in SIDESTEP_PYTHON.`);

const PROMPTS = ['Help me choose a raincoat.', 'how do i boil an egg', 'Teach me to knit: step by step, please!', 'Ünïcödé and 12.5 % – does "it" work?\nNew line.', ' two  spaces '];
const TOLERANCE = 1e-3;

interface Checked {
  largestDifference: number;
  largestLogit: number;
  differingPrompts: string[];
  fileDtypes: string[];
  versions: Record<string, string>;
}

/** Every file of a folder, subfolders apart. */
const openFolder = (path: string): Promise<ModelFolder> =>
  openModelFolder(filesSource(readdirSync(path).map((name) => ({ path: name, bytes: new Uint8Array(readFileSync(join(path, name))) }))));

const largestDifference = (a: readonly Float32Array[], b: readonly Float32Array[]): number =>
  a.reduce((most, row, i) => row.reduce((m, value, j) => Math.max(m, Math.abs(value - (b[i] as Float32Array)[j]!)), most), 0);

describe.skipIf(!demoThere)('a changed demo LM, exported in F16', () => {
  let backend: OpenedBackend;
  let folder: ModelFolder;
  let temporary: string;
  let ids: number[][];
  let weights: Map<string, NamedValues>;
  let back: Map<string, WeightTensor>;
  /** Logits of the unchanged LM, of the changed one, and of its exports as they were read back. */
  let original: Float32Array[];
  let changed: Float32Array[];
  let inF32: Float32Array[];
  let exported: Float32Array[];

  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'sidestep-export-'));
    backend = await openTestBackend('wasm');
    folder = await openFolder(demo);
    const tokenizer = createTokenizer({ ...folder, eosTokenIds: folder.config.eosTokenIds });
    ids = PROMPTS.map((prompt) => tokenizer.applyChatTemplate(prompt));
    const logitsOf = async (weights: Parameters<typeof createLm>[1], use?: (lm: LanguageModel) => Promise<void>): Promise<Float32Array[]> => {
      const lm = createLm(folder.config, weights);
      try {
        await use?.(lm);
        return await readLogits(lm, ids);
      } finally {
        lm.dispose();
      }
    };
    const baseWeights = await readTensors(folder.tensors);
    original = await logitsOf(baseWeights);

    // Every weight moves by some steps of F16, so that none keeps the value that the base's file has.
    const rng = new Rng(11);
    weights = new Map([...baseWeights].map(([name, { shape, data }]) => [name, { shape, data: data.map((value) => value * (1 + 0.02 * rng.normal())) }]));
    const card = { name: 'changed', base: { name: 'demo', fingerprint: folder.fingerprint }, run: null, step: null, measured: [] };
    let f32: ExportFile[] = [];
    changed = await logitsOf(weights, async (lm) => {
      const params = await readParams(lm);
      f32 = writeHfFolder(folder, params, card, 'F32');
      for (const { path, bytes } of writeHfFolder(folder, params, card, 'F16')) {
        mkdirSync(dirname(join(temporary, 'model', path)), { recursive: true });
        writeFileSync(join(temporary, 'model', path), bytes);
      }
    });
    inF32 = await logitsOf(await readTensors((await openModelFolder(filesSource(f32))).tensors));
    back = await readTensors((await openFolder(join(temporary, 'model'))).tensors);
    exported = await logitsOf(back);
  });
  afterAll(async () => {
    await backend?.close();
    rmSync(temporary, { recursive: true, force: true });
  });

  it('answers with other logits than the base, or the comparison would say nothing', () => {
    expect(largestDifference(original, exported)).toBeGreaterThan(0.05);
  });

  it('loses nothing but the rounding to F16, weight by weight; in F32 nothing at all', () => {
    // Half a step of F16: 2^-11 of the value, and 2^-25 below its normal numbers.
    let worst = 0;
    for (const [name, { data }] of weights) {
      const read = back.get(name)?.data as Float32Array;
      expect(read.length).toBe(data.length);
      for (let i = 0; i < data.length; i++) worst = Math.max(worst, Math.abs(read[i]! - data[i]!) / (2 ** -11 * Math.abs(data[i]!) + 2 ** -25));
    }
    expect(worst).toBeGreaterThan(0.5);
    expect(worst).toBeLessThanOrEqual(1);
    expect(largestDifference(changed, inF32)).toBeLessThanOrEqual(TOLERANCE);
  });

  it('keeps its logits within a few half steps of F16 of the largest one', () => {
    const largestLogit = changed.reduce((most, row) => row.reduce((m, value) => Math.max(m, Math.abs(value)), most), 0);
    const lost = largestDifference(changed, exported);
    console.info(`rounding to F16 moves a logit by ${lost.toExponential(2)} at most, of logits up to ${largestLogit.toFixed(1)}`);
    expect(lost).toBeLessThanOrEqual(4 * 2 ** -11 * largestLogit);
  });

  it.skipIf(!pythonThere)('gives transformers the logits and the token ids of the engine', () => {
    writeFileSync(join(temporary, 'ids.json'), JSON.stringify(PROMPTS.map((prompt, i) => ({ prompt, ids: ids[i] }))));
    writeFileSync(join(temporary, 'logits.json'), JSON.stringify(exported.map((row) => [...row])));
    const script = join(root, 'tools/reference/check_export.py');
    const output = execFileSync(python, [script, ...['model', 'ids.json', 'logits.json'].map((name) => join(temporary, name))], { encoding: 'utf8', timeout: 120_000, stdio: ['ignore', 'pipe', 'pipe'] });
    const checked = JSON.parse(output) as Checked;
    console.info(`transformers ${checked.versions['transformers']}: largest difference of a logit ${checked.largestDifference.toExponential(2)}, of logits up to ${checked.largestLogit.toFixed(1)}`);
    expect(checked.fileDtypes).toEqual(['F16']);
    expect(checked.differingPrompts).toEqual([]);
    expect(checked.largestDifference).toBeLessThanOrEqual(TOLERANCE);
  }, 180_000);
});
