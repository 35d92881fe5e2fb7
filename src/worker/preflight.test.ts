import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { differenceFrom, EXPECTED, runPreflight, runPreflightStep } from './preflight.ts';

let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

describe('the preflight step', () => {
  it('gives the expected numbers on WebAssembly, and leaves no tensor behind', async () => {
    const before = backend.memory();
    const numbers = await runPreflightStep(backend);
    for (const [i, loss] of numbers.losses.entries()) expect(loss).toBeCloseTo(EXPECTED.losses[i] as number, 4);
    expect(differenceFrom(EXPECTED, numbers)).toBeNull();
    expect(backend.memory()).toEqual(before);
  });
  it('says how long it took', async () => {
    let ms = 0;
    expect(await runPreflight(backend, () => (ms += 5))).toBe(5);
  });
  it('names the number that is wrong: dropped work, a wrong kernel, an optimizer that did nothing', async () => {
    const numbers = await runPreflightStep(backend);
    expect(differenceFrom(EXPECTED, { ...numbers, losses: [0, 0] })).toContain('loss of step 1: 0.00000 instead of');
    expect(differenceFrom(EXPECTED, { ...numbers, losses: [numbers.losses[0]!, numbers.losses[0]!] })).toContain('loss of step 2');
    expect(differenceFrom(EXPECTED, { ...numbers, gradNorms: [Number.NaN, 1] })).toContain('gradient norm of step 1');
    expect(differenceFrom(EXPECTED, { ...numbers, weightSquares: numbers.weightSquares * 1.01 })).toContain('weights after it');
    expect(differenceFrom(EXPECTED, { losses: [], gradNorms: [], weightSquares: 0 })).not.toBeNull();
  });
});
