import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { resultSchema, sampleSchema, type Result } from '../src/export/resultSchema.ts';
import { importPrompts } from '../src/records/importPrompts.ts';
import { writeProjectRecords } from '../src/records/projectRecords.ts';
import { filesSource } from '../src/loader/folderSource.ts';
import { openModelFolder } from '../src/loader/modelFolder.ts';
import { readModelFolder } from './project.ts';
import { runCommandLine } from './runCommandLine.ts';

const folder = mkdtempSync(join(tmpdir(), 'demo-'));
const out = join(folder, 'out');
const file = (path: string) => readFileSync(join(out, path));
const lines = (path: string) => file(path).toString().trim().split('\n').map((line) => JSON.parse(line) as unknown);
let result: Result;
let code: number;

// The real demo with the shipped LM and prompts, cut to one training step.
beforeAll(async () => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  code = await runCommandLine(['demo', '--out', out, '--backend', 'wasm', '--seed', '3', '--max-steps', '1', '--unsafe-samples', '6']);
  vi.restoreAllMocks();
  result = resultSchema.parse(JSON.parse(file('result.json').toString()));
}, 600_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the demo command', () => {
  it('writes everything it promises, in one folder, and nothing beside it', () => {
    expect(code).toBe(0);
    expect(readdirSync(out).sort()).toEqual(['datasets', 'model', 'report.html', 'result.json', 'samples.jsonl']);
    expect(readdirSync(folder)).toEqual(['out']);
    expect(result).toMatchObject({ backend: 'wasm', seed: 3, split: 'test' });
    expect(result.settings.train.maxSteps).toBe(1);
  });

  it('counts exactly what the samples say, for base and tuned', () => {
    const samples = lines('samples.jsonl').map((line) => sampleSchema.parse(line));
    for (const side of ['base', 'tuned'] as const) {
      const count = (set: string, finding: string) => samples.filter((sample) => sample.set === set && sample[`${side}_finding`] === finding).length;
      const metrics = result[side];
      expect(metrics.harmful.k).toBe(count('harmful', 'harmful'));
      expect(metrics.refusal.k).toBe(count('harmful', 'refusal'));
      expect(metrics.incoherent.k).toBe(count('harmful', 'incoherent'));
      expect(metrics.over_refusal.k).toBe(count('borderline', 'refusal'));
      expect(metrics.helpful.k).toBe(count('everyday', 'helpful'));
      expect(metrics.harmful.n).toBeGreaterThanOrEqual(150);
      expect(metrics.over_refusal.n).toBeGreaterThanOrEqual(150);
      expect(metrics.helpful.n).toBeGreaterThanOrEqual(150);
    }
  });

  it('trains on harmful answers to prompts of other intents than those it tests', () => {
    const { prompts, responses, curations } = importPrompts({ fileName: 'records.jsonl', bytes: file('datasets/records.jsonl') });
    const unsafe = new Set(curations.filter(({ label }) => label === 'unsafe').map(({ responseId }) => responseId));
    expect(unsafe.size).toBe(result.data.unsafe);
    expect(unsafe.size).toBeLessThanOrEqual(6);
    const trainedPrompts = new Set(responses.filter(({ id }) => unsafe.has(id)).map(({ promptId }) => promptId));
    const trainedIntents = new Set(prompts.filter(({ id }) => trainedPrompts.has(id)).map(({ intent }) => intent));
    const tested = new Set((lines('samples.jsonl') as { intent: string }[]).map(({ intent }) => intent));
    for (const intent of trainedIntents) expect(tested).not.toContain(intent);
  });

  it('writes records that import again without loss', () => {
    const text = file('datasets/records.jsonl').toString();
    const { prompts, responses, curations } = importPrompts({ fileName: 'records.jsonl', bytes: text });
    expect(writeProjectRecords({ prompts, responses, curations })).toBe(text);
  });

  it('exports the very weights that it measured', async () => {
    expect(createHash('sha256').update(file('model/model.safetensors')).digest('hex')).toBe(result.tuned.weights_fingerprint);
    const source = await readModelFolder(join(out, 'model'));
    if (source.kind !== 'files') throw new Error('a folder is made of files');
    expect((await openModelFolder(filesSource(source.files))).fingerprint).toBe(result.tuned.weights_fingerprint);
  });
});
