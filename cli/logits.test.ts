import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { lmReferenceNames, readLmReference } from '../src/testing/lmReference.ts';
import { peftReferenceNames, readPeftReference } from '../src/testing/peftReference.ts';
import { runCaptured } from './captured.ts';

const folder = mkdtempSync(join(tmpdir(), 'logits-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const out = join(folder, 'logits.json');
const model = (name: string) => fileURLToPath(new URL(`../src/testing/reference/${name}`, import.meta.url));

interface Written {
  shape: [number, number];
  logits: number[];
}

async function logits(...args: string[]): Promise<Written> {
  const { status, stdout, stderr } = await runCaptured('logits', ...args, '--out', out);
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  return JSON.parse(readFileSync(out, 'utf8')) as Written;
}

function expectLogits({ shape, logits: actual }: Written, ids: number[], expected: Float32Array): void {
  expect(shape).toEqual([ids.length, expected.length / ids.length]);
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  actual.forEach((value, i) => (largest = Math.max(largest, Math.abs(value - expected[i]!))));
  expect(largest).toBeLessThan(1e-4);
}

describe('the logits command', () => {
  it.each(lmReferenceNames)('gives the logits of transformers: %s', async (name) => {
    const { inputIds, logits: expected } = readLmReference(name);
    expectLogits(await logits('--model', model(name), '--input-ids', inputIds[0]!.join(','), '--backend', 'wasm'), inputIds[0]!, expected[0]!);
  });

  it.each(peftReferenceNames)('gives the logits of peft with its adapter, and those of the base at strength 0: %s', async (name) => {
    const reference = await readPeftReference(name);
    const ids = reference.inputIds[0]!;
    const args = ['--model', model(name), '--adapter', model(`peft/${name}`), '--input-ids', ids.join(', '), '--backend', 'wasm'];
    expectLogits(await logits(...args), ids, reference.logits[0]!);
    expectLogits(await logits(...args, '--strength', '0'), ids, reference.baseLogits[0]!);
  });

  it('writes every float32 so that it survives', async () => {
    const [name] = lmReferenceNames as [string];
    const { logits: values } = await logits('--model', model(name), '--input-ids', '1,2', '--backend', 'wasm');
    const texts = readFileSync(out, 'utf8').match(/-?\d+(\.\d+)?(e[-+]?\d+)?/g)!;
    expect(values.length).toBe(texts.length - 2);
    // The text of the nearest float32 is as close as nine digits are.
    for (const value of values) expect(Number(Math.fround(value).toPrecision(9))).toBe(value);
  });

  const [name] = lmReferenceNames as [string];
  it.each([
    ['ids that are no numbers', ['--model', model(name), '--input-ids', '1,x']],
    ['an id outside the vocabulary', ['--model', model(name), '--input-ids', '1,99999999', '--backend', 'wasm']],
    ['a folder without a model', ['--model', folder, '--input-ids', '1']],
    ['a folder that does not exist', ['--model', join(folder, 'none'), '--input-ids', '1']],
    ['an adapter folder without an adapter', ['--model', model(name), '--adapter', model(name), '--input-ids', '1']],
    ['a strength without an adapter', ['--model', model(name), '--strength', '1', '--input-ids', '1']],
    ['a strength out of bounds', ['--model', model(name), '--adapter', model(name), '--strength', '2', '--input-ids', '1']],
  ])('answers %s with one line, exit code 2 and no file', async (_, args) => {
    const never = join(folder, 'never.json');
    const { status, stdout, lines } = await runCaptured('logits', ...args, '--out', never);
    expect({ status, stdout, lines }).toEqual({ status: 2, stdout: '', lines: 1 });
    expect(existsSync(never)).toBe(false);
  });
});
