import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import { assignParams, createLm, readParams, type LanguageModel } from '../lm/params.ts';
import { createBatch } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { collect, small } from '../testing/trainingSuite.ts';
import { loadTrainReference } from '../testing/trainReference.ts';
import { openTrainer, train } from './trainer.ts';

const reference = loadTrainReference();
const { rows } = reference;
let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

let base: LanguageModel;
let lm: LanguageModel;
beforeEach(() => {
  base = createLm(reference.config, reference.base);
  lm = createLm(reference.config, reference.base);
});
afterEach(() => {
  base.dispose();
  lm.dispose();
});

describe('training', () => {
  it('refuses a state of other settings or other rows', async () => {
    const { state } = await collect(train({ lm, base, rows, config: { ...small, maxSteps: 1 } }));
    await expect(openTrainer({ lm, base, rows, config: { ...small, maxSteps: 1, semanticLambda: 0.4 }, state })).rejects.toThrow(/other settings/);
    await expect(openTrainer({ lm, base, rows: { ...rows, unsafe: rows.unsafe.slice(1) }, config: { ...small, maxSteps: 1 }, state })).rejects.toThrow(/other rows/);
  });

  it('can be cancelled while the base LM is run over the unsafe rows', async () => {
    const tensors = tf.memory().numTensors;
    await expect(openTrainer({ lm, base, rows, config: small, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'cancelled' });
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('drops a step that is aborted between micro-batches and changes nothing', async () => {
    const trainer = await openTrainer({ lm, base, rows, config: { ...small, gradientAccumulationSteps: 50 } });
    const before = await readParams(lm);
    const tensors = tf.memory().numTensors;
    const stop = new AbortController();
    const pending = trainer.nextStep(stop.signal);
    setImmediate(() => stop.abort());
    expect(await pending).toBeNull();
    expect(trainer.step).toBe(0);
    expect(await readParams(lm)).toEqual(before);
    expect(tf.memory().numTensors).toBe(tensors);
    trainer.dispose();
  });

  it('averages micro-batches: two equal ones make the step of one', async () => {
    const config = { ...small, benignPerStep: 4, unsafePerStep: 3, maxSteps: 2, weightDecay: 0 };
    const one = await collect(train({ lm, base, rows, config }));
    assignParams(lm, reference.base);
    const two = await collect(train({ lm, base, rows, config: { ...config, gradientAccumulationSteps: 2 } }));
    one.metrics.forEach((step, i) => {
      expect(two.metrics[i]!.lossTotal).toBeCloseTo(step.lossTotal, 4);
      expect(two.metrics[i]!.gradNorm).toBeCloseTo(step.gradNorm, 3);
      expect(two.metrics[i]!.tokens).toBe(2 * step.tokens);
    });
  });

  it('gives every micro-batch of every step its own draw', async () => {
    const config = { ...small, benignPerStep: 1, unsafePerStep: 1, gradientAccumulationSteps: 2, maxSteps: 3 };
    const { metrics } = await collect(train({ lm, base, rows, config }));
    const drawn = Array.from({ length: 6 }, (_, i) => createBatch(rows, config, i).tokens);
    expect(new Set(drawn).size).toBeGreaterThan(2);
    expect(metrics.map((step) => step.tokens)).toEqual([drawn[0]! + drawn[1]!, drawn[2]! + drawn[3]!, drawn[4]! + drawn[5]!]);
  });

  it('overfits one sentence', async () => {
    const config = { ...small, benignPerStep: 1, semanticLambda: 0, unsafePerStep: 0, maxSteps: 60, learningRate: 3e-2, klBeta: 0 };
    const { metrics } = await collect(train({ lm, base, rows: { everyday: [rows.everyday[1]!], borderline: [], unsafe: [] }, config }));
    expect(metrics[0]!.lossBenign).toBeGreaterThan(2);
    expect(metrics.at(-1)!.lossBenign).toBeLessThan(0.02);
    expect(metrics.at(-1)!.lossTotal).toBe(metrics.at(-1)!.lossBenign);
    expect(metrics.at(-1)!.lossSemantic).toBe(0);
  });

  it.each(['none', 'stop_gradient', 'importance'] as const)('moves away from the unsafe tokens with %s', async (prefixWeighting) => {
    const config: TrainConfig = { ...small, prefixWeighting, semanticLambda: 1, maxSteps: 30, benignPerStep: 4, unsafePerStep: 3, klBeta: 0 };
    const { metrics } = await collect(train({ lm, base, rows, config }));
    // With stop_gradient the term itself fades as its weights do; what it moves is the distance.
    if (prefixWeighting === 'importance') expect(metrics.at(-1)!.lossSemantic).toBeLessThan(metrics[0]!.lossSemantic - 0.1);
    else expect(metrics.at(-1)!.meanDistance).toBeGreaterThan(metrics[0]!.meanDistance + 0.02);
    expect(metrics.at(-1)!.lossBenign).toBeLessThan(metrics[0]!.lossBenign);
    if (prefixWeighting === 'importance') {
      // At the base weights every weight is 1, and the term is lambda (1 - mean distance).
      expect(metrics[0]!.meanWeight).toBeCloseTo(1, 4);
      expect(metrics[0]!.lossSemantic).toBeCloseTo(1 - metrics[0]!.meanDistance, 4);
    }
  });

  it('stops with an error when the loss is not finite, and leaves the weights as they were', async () => {
    const values = await readParams(lm);
    values.get('model.norm.weight')!.data.fill(NaN);
    assignParams(lm, values);
    const trainer = await openTrainer({ lm, base, rows, config: small });
    const before = (await readParams(lm)).get('lm_head.weight')!;
    const failure: unknown = await trainer.nextStep().catch((thrown: unknown) => thrown);
    expect(failure).toBeInstanceOf(EngineError);
    expect((failure as EngineError).code).toBe('bad-config');
    expect((failure as EngineError).message).toMatch(/step 1: lossTotal is NaN/);
    expect((await readParams(lm)).get('lm_head.weight')).toEqual(before);
    trainer.dispose();
  });

  it('lets messages in between micro-batches', async () => {
    const trainer = await openTrainer({ lm, base, rows, config: small });
    let heard = false;
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      heard = true;
      port1.close();
    };
    port2.postMessage(null);
    await trainer.nextStep();
    expect(heard).toBe(true);
    trainer.dispose();
  });
});
