import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { parseLmConfig } from '../config/lm.ts';
import { parameterShapes } from '../config/lmParameters.ts';
import { parseTrainConfig } from '../config/train.ts';
import { allocateTensor } from '../kernels/deviceBuffer.ts';
import { createLm } from '../lm/params.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { openTestBackend } from '../testing/backend.ts';
import { openHarness, tinyModelFiles } from '../testing/engineHarness.ts';
import { describeMeasuredStep } from '../testing/measureStepSuite.ts';
import { measureStep, reduceOnce } from './measureStep.ts';
import { openTrained } from './openTrained.ts';

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

describe('a heap that is full', () => {
  const PIECE_BYTES = 2 ** 24;

  it('makes the measured step smaller instead of breaking it, and everything is freed', async () => {
    const backend = await openTestBackend('wasm');
    const config = parseLmConfig({ model_type: 'llama', vocab_size: 512, hidden_size: 128, intermediate_size: 512, num_hidden_layers: 6, num_attention_heads: 4, max_position_embeddings: 128 });
    const base = createLm(config, new Map([...parameterShapes(config)].map(([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.02) }])));
    const training = parseTrainConfig({ benignPerStep: 8, unsafePerStep: 8, maxLength: 128, trainingMethod: 'lora', semanticLambda: 0.3 });
    const row = { tokenIds: Int32Array.from({ length: 128 }, (_, i) => i), promptLength: 2 };
    const eight = Array.from({ length: 8 }, () => row);
    const before = tf.memory();
    // Reserved, never written: no memory of the machine is used.
    const hogs: tf.Tensor[] = [];
    try {
      for (let bytes = 2 ** 30; bytes >= PIECE_BYTES; )
        try {
          hogs.push(allocateTensor([bytes / 4], 'float32'));
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: 'out-of-memory' });
          bytes /= 2;
        }
      // Room for a part of what 8 + 8 rows take: 130 MB.
      tf.dispose(hogs.splice(-3));
      const full = tf.memory();
      const measured = await measureStep({
        base, openTrained: () => openTrained(base, training), rows: { everyday: eight, borderline: eight, unsafe: eight }, config: training,
        // The counted check is left out: what is tested is an allocation that fails in the middle of a step.
        backend: { ...backend, canAllocate: () => Promise.resolve(true) },
        limits: { backend: 'wasm', maxTensorBytes: 2 ** 32, totalBytes: 2 ** 40 }, now: () => performance.now(),
      });
      expect(measured.changes[0]).toMatch(/^The WebAssembly heap has no room for a tensor of \d+ bytes\. Changed to 4 \+ 4 rows/);
      expect(measured.config.benignPerStep).toBeLessThan(8);
      expect(tf.memory().numTensors).toBe(full.numTensors);
      expect(tf.memory().numBytes).toBe(full.numBytes);
    } finally {
      tf.dispose(hogs);
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    base.dispose();
    await backend.close();
  });
});
