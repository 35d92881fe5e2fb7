import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCaptured as cli } from './captured.ts';
import { openOutputFolder, writeOutputFile } from './outputs.ts';
import { parseOptions, toChoice, toNumber, toWholeNumber, UsageError } from './options.ts';

const folder = mkdtempSync(join(tmpdir(), 'cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const main = fileURLToPath(new URL('main.ts', import.meta.url));
const at = (name: string) => join(folder, name);
beforeAll(() => {
  writeFileSync(at('empty.csv'), 'prompt\n,\n,\n');
  writeFileSync(at('bad.json'), '{"unsafe": "in.csv", "train": {"lr": 1}}');
});

describe('the command line', () => {
  it('imports prompts, reports each bad row with file, row and column, and writes records that import again', async () => {
    writeFileSync(at('in.csv'), 'prompt,set\nfirst,harmful\n,harmful\nfirst,harmful\nsecond,everyday\n');
    const first = await cli('import', '--input', at('in.csv'), '--out', at('records.jsonl'));
    expect(first.status).toBe(0);
    expect(first.stdout).toBe('rows read 4, kept 2, duplicates 1, errors 1\n');
    expect(first.stderr).toContain('in.csv, row 3, column prompt');
    const again = await cli('import', '--input', at('records.jsonl'), '--out', at('again.jsonl'));
    expect(again.stdout).toBe('rows read 2, kept 2, duplicates 0, errors 0\n');
    expect(readFileSync(at('again.jsonl'), 'utf8')).toBe(readFileSync(at('records.jsonl'), 'utf8'));
  });

  it.each([
    ['an unknown command', ['train-it-all']],
    ['an unknown option', ['import', '--wrong', 'x']],
    ['a missing option', ['import', '--input', 'x']],
    ['a file that does not exist', ['import', '--input', at('none.csv'), '--out', at('never.jsonl')]],
    ['a column that does not exist', ['import', '--input', at('in.csv'), '--column', 'none', '--out', at('never.jsonl')]],
    ['a file without a single prompt', ['import', '--input', at('empty.csv'), '--out', at('never.jsonl')]],
    ['a malformed number', ['demo', '--seed', 'x', '--out', at('never.jsonl')]],
    ['an unknown backend', ['demo', '--backend', 'gpu', '--out', at('never.jsonl')]],
    ['a results folder with files in it', ['demo', '--out', folder]],
    ['prompts that are no prompts', ['demo', '--prompts', at('empty.csv'), '--out', at('never.jsonl')]],
    ['settings that do not exist', ['train', '--config', at('bad.json'), '--out', at('never.jsonl')]],
    ['settings that are not JSON', ['train', '--config', at('in.csv'), '--out', at('never.jsonl')]],
    ['a model folder that does not exist', ['generate', '--prompt', 'x', '--model', at('none')]],
    ['two sources of prompts', ['generate', '--prompt', 'x', '--prompts', at('in.csv')]],
    ['a word too many', ['import', 'extra', '--input', at('in.csv'), '--out', at('never.jsonl')]],
  ])('answers %s with one line, exit code 2 and no file', async (_, args) => {
    const { status, stdout, lines } = await cli(...args);
    expect({ status, stdout, lines }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(existsSync(at('never.jsonl'))).toBe(false);
  });

  it('explains itself and every command', async () => {
    const { status, stdout } = await cli('--help');
    expect(status).toBe(0);
    const names = [...stdout.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1] as string);
    expect(names).toContain('import');
    for (const name of names) expect(await cli(name, '--help')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringContaining(`-- ${name}`) });
  });
});

describe('the process', () => {
  it('ends with the exit code of the command', () => {
    const run = (...args: string[]) => spawnSync(process.execPath, ['--import', 'tsx', main, ...args], { encoding: 'utf8' });
    expect(run('--help').status).toBe(0);
    expect(run('import')).toMatchObject({ status: 2, stdout: '', stderr: '--input FILE is missing. See --help.\n' });
  });
});

describe('options', () => {
  it('reads numbers and words strictly', () => {
    expect(toWholeNumber('seed', '7', 0, 9)).toBe(7);
    for (const text of ['7.5', '-1', '10', 'x', '1e1', '0x1']) expect(() => toWholeNumber('seed', text, 0, 9)).toThrow(UsageError);
    expect(toNumber('t', '0.5', 0, 1)).toBe(0.5);
    for (const text of ['2', 'NaN', 'Infinity', '']) expect(() => toNumber('t', text, 0, 1)).toThrow(UsageError);
    expect(() => toChoice('b', 'gpu', ['auto', 'webgpu', 'wasm'])).toThrow('--b must be auto, webgpu or wasm, not "gpu".');
  });
  it('does not take an option for the value of another', () => {
    expect(() => parseOptions(['--input', '--out'], { input: { value: 'F', description: '' }, out: { value: 'F', description: '' } })).toThrow(UsageError);
  });
});

describe('outputs', () => {
  it('shows a folder only when it is complete, and leaves nothing behind when it is given up', async () => {
    const good = await openOutputFolder(at('out/good'));
    await good.write('a/b.txt', 'x');
    expect(existsSync(at('out/good'))).toBe(false);
    await good.commit();
    expect(readFileSync(at('out/good/a/b.txt'), 'utf8')).toBe('x');
    const bad = await openOutputFolder(at('out/bad'));
    await bad.write('c', 'x');
    await bad.discard();
    expect(readdirSync(at('out'))).toEqual(['good']);
  });
  it('never touches a folder that has files in it, nor a file', async () => {
    await expect(openOutputFolder(at('out/good'))).rejects.toThrow('not empty');
    await expect(openOutputFolder(at('out/good/a/b.txt'))).rejects.toThrow('a file, not a folder');
  });
  it('leaves no half-written file where it cannot write', async () => {
    await expect(writeOutputFile(at('out/good/a'), 'text')).rejects.toThrow(UsageError);
    expect(readdirSync(at('out/good'))).toEqual(['a']);
  });
});
