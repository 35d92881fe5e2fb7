/**
 * Exports of every family in the hands of others: transformers loads each folder with its Auto classes and gets the logits that the engine gets.
 * The reading side is tools/reference/check_export.py. Not for tokenizers (transformers.test.ts).
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fromStoredForms } from '../config/storedForm.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createLm, readParams } from '../lm/params.ts';
import { readLogits } from '../lm/readLogits.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import { openTestBackend } from '../testing/backend.ts';
import { lmReferenceNames, readLmReference, tunedWeights } from '../testing/lmReference.ts';
import { writeHfFolder } from './hfFolder.ts';

const python = process.env['SIDESTEP_PYTHON'] ?? 'python3';
const pythonThere = spawnSync(python, ['-c', 'import torch, transformers, safetensors'], { timeout: 60_000 }).status === 0;
if (!pythonThere) console.warn(`"${python}" cannot import torch and transformers: the exports of the families are not read by Python. Name one that can in SIDESTEP_PYTHON.`);

const script = fileURLToPath(new URL('../../tools/reference/check_export.py', import.meta.url));
const references = new URL('../testing/reference/', import.meta.url);
const DTYPES = ['F32', 'F16'] as const;
const TOLERANCE = 1e-4;

interface Checked {
  largestDifference: number;
  fileDtypes: string[];
  versions: Record<string, string>;
}

describe.skipIf(!pythonThere)('exports of changed weights, read by transformers', () => {
  let backend: OpenedBackend;
  let temporary: string;
  const checked = new Map<string, Checked>();

  /** Writes the changed weights, reads them back, and writes what the engine makes of these. @returns arguments of the script */
  async function write(name: string, dtype: (typeof DTYPES)[number]): Promise<string[]> {
    const reference = readLmReference(name);
    const { config, inputIds } = reference;
    const folder = join(temporary, `${name}-${dtype}`);
    mkdirSync(folder);
    const lm = createLm(config, tunedWeights(reference));
    const otherFiles = new Map([['config.json', new Uint8Array(readFileSync(new URL(`${name}/config.json`, references)))]]);
    const card = { name: 'changed', base: { name, fingerprint: '0' }, run: null, step: null, measured: [] };
    const files = writeHfFolder({ config, otherFiles, card: null }, await readParams(lm), card, dtype);
    lm.dispose();
    for (const { path, bytes } of files) writeFileSync(join(folder, path), bytes);
    const written = createLm(config, fromStoredForms(config, parseSafetensors(files.find(({ path }) => path === 'model.safetensors')!.bytes)));
    const logits = await readLogits(written, inputIds);
    written.dispose();
    writeFileSync(join(folder, 'ids.json'), JSON.stringify(inputIds.map((ids) => ({ ids }))));
    writeFileSync(join(folder, 'logits.json'), JSON.stringify(logits.map((row) => [...row])));
    return [folder, join(folder, 'ids.json'), join(folder, 'logits.json')];
  }

  beforeAll(async () => {
    temporary = mkdtempSync(join(tmpdir(), 'sidestep-families-'));
    backend = await openTestBackend('wasm');
    const cases = lmReferenceNames.flatMap((name) => DTYPES.map((dtype) => ({ name, dtype })));
    const all: string[][] = [];
    for (const { name, dtype } of cases) all.push(await write(name, dtype));
    const output = execFileSync(python, [script, ...all.flat()], { encoding: 'utf8', timeout: 240_000, stdio: ['ignore', 'pipe', 'pipe'] });
    const lines = output.trim().split('\n');
    expect(lines).toHaveLength(cases.length);
    cases.forEach(({ name, dtype }, i) => checked.set(`${name} ${dtype}`, JSON.parse(lines[i]!) as Checked));
  }, 300_000);
  afterAll(async () => {
    await backend?.close();
    rmSync(temporary, { recursive: true, force: true });
    const path = process.env['SIDESTEP_MEASURED'];
    if (path) for (const [name, { largestDifference }] of checked) appendFileSync(path, `${JSON.stringify({ backend: 'export', name, logits: largestDifference })}\n`);
  });

  it.each(lmReferenceNames.flatMap((name) => DTYPES.map((dtype) => [name, dtype] as const)))('%s in %s: the same logits', (name, dtype) => {
    const { largestDifference, fileDtypes } = checked.get(`${name} ${dtype}`)!;
    expect(fileDtypes).toEqual([dtype]);
    expect(largestDifference).toBeLessThan(TOLERANCE);
  });
});
