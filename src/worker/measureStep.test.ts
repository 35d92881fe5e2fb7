import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { parseTrainConfig } from '../config/train.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { openTestBackend } from '../testing/backend.ts';
import { openHarness, tinyModelFiles } from '../testing/engineHarness.ts';
import { describeMeasuredStep } from '../testing/measureStepSuite.ts';
import { reduceOnce } from './measureStep.ts';

describeMeasuredStep('WASM', () => openTestBackend('wasm'));

describe('smaller settings', () => {
  it('keep the rows of a step where they can be halved and tell how many there are where not', () => {
    const even = reduceOnce(parseTrainConfig({ benignPerStep: 8, unsafePerStep: 4, gradientAccumulationSteps: 3 }))!;
    expect(even.config).toMatchObject({ benignPerStep: 4, unsafePerStep: 2, gradientAccumulationSteps: 6, gradientCheckpointing: false });
    expect(even.change).toContain('a step still has 36 rows');
    expect(reduceOnce(parseTrainConfig({ benignPerStep: 3, unsafePerStep: 0 }))!.change).toContain('a step has 4 rows instead of 3');
    const last = reduceOnce(parseTrainConfig({ benignPerStep: 1, unsafePerStep: 1 }))!;
    expect(last.config.gradientCheckpointing).toBe(true);
    expect(reduceOnce(last.config)).toBeNull();
  });
});

describe('the job measureStep', () => {
  const pairs = (set: string) => [0, 1, 2, 3].map((n) => ({ prompt: `${set} ${n}?`, response: `Yes, ${n} and ${set}.`, intent: `i${n}` }));
  const data = { unsafe: pairs('unsafe'), everyday: pairs('everyday'), borderline: pairs('borderline') };

  it('measures the loaded LM and leaves the engine as it was', async () => {
    const { session, run } = await openHarness(createMemoryFileStore());
    await run('openEngine', { backend: 'wasm', allowSoftwareAdapter: false });
    await run('loadModel', { source: tinyModelFiles() });
    const before = await run('measureMemory', {});
    const config = parseTrainConfig({ benignPerStep: 2, unsafePerStep: 2 });
    const measured = await run('measureStep', { config, data });
    expect(measured).toMatchObject({ config, changes: [], gpuBytes: null });
    expect(await run('measureMemory', {})).toEqual(before);
    await expect(run('measureStep', { config, data: { unsafe: [], everyday: [], borderline: [] } })).rejects.toMatchObject({ code: 'bad-argument' });
    expect(tf.memory().numTensors).toBe(before.numTensors);
    await session.close();
  });
});
