/** Training against PyTorch and against the plain twins, the same for every backend: WASM in *.test.ts, WebGPU in *.gpu.test.ts. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { defaultTrainConfig, type TrainConfig } from '../config/train.ts';
import { collate } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { unpackSlab } from '../kernels/slabLayout.ts';
import { assignParams, createLm, type LanguageModel } from '../lm/params.ts';
import type { StepMetrics } from '../records/run.ts';
import { BaseReference } from '../train/baseReference.ts';
import { addGradients, termNames } from '../train/gradients.ts';
import { openTrainer, train } from '../train/trainer.ts';
import { decodeTrainState, encodeTrainState, type TrainState } from '../train/trainState.ts';
import { loadTrainReference } from './trainReference.ts';

function withBackend(open: () => Promise<OpenedBackend>): () => OpenedBackend {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());
  return () => backend;
}

/** Settings of a short run with every term in it. */
export const small: TrainConfig = { ...defaultTrainConfig, benignPerStep: 2, borderlineShare: 0.5, unsafePerStep: 2, maxSteps: 6, learningRate: 1e-2, warmupSteps: 2, klBeta: 0.1 };

/** All steps of a run and its end. */
export async function collect(steps: AsyncGenerator<StepMetrics, TrainState>): Promise<{ metrics: StepMetrics[]; state: TrainState }> {
  const metrics: StepMetrics[] = [];
  for (;;) {
    const next = await steps.next();
    if (next.done) return { metrics, state: next.value };
    metrics.push(next.value);
  }
}

/** Everything of a step but its times. */
const timeless = ({ elapsedMs: _elapsedMs, tokensPerSecond: _tokensPerSecond, ...rest }: StepMetrics) => rest;

/** Largest difference over the largest true value. */
function relativeError(actual: ArrayLike<number>, expected: Float32Array): number {
  const scale = expected.reduce((max, v) => Math.max(max, Math.abs(v)), 1e-6);
  return expected.reduce((max, v, i) => Math.max(max, Math.abs(v - actual[i]!)), 0) / scale;
}

/** Loss terms, parameter gradients and ten steps against PyTorch; nothing leaks. */
export function describeTraining(name: string, open: () => Promise<OpenedBackend>): void {
  const reference = loadTrainReference();
  const { rows } = reference;
  describe(`training on ${name}`, () => {
    const backend = withBackend(open);
    let base: LanguageModel;
    let tuned: LanguageModel;
    beforeAll(() => {
      base = createLm(reference.config, reference.base);
      tuned = createLm(reference.config, reference.tuned);
    });
    afterAll(() => {
      base.dispose();
      tuned.dispose();
    });

    it.each(reference.cases.map((c) => [`${c.settings.emdObjective}, ${c.settings.prefixWeighting}, beta ${c.settings.klBeta}`, c] as const))(
      'has the loss terms and parameter gradients of PyTorch: %s',
      async (_title, { settings, terms: expected, gradients: expectedGradients }) => {
        const config = { ...defaultTrainConfig, borderlineShare: 0.5, ...settings };
        const batch = collate([...rows.everyday, ...rows.borderline], rows.unsafe, [0, 1, 2]);
        const before = tf.memory().numTensors;
        const frozen = await BaseReference.create(base, rows, config);
        const slab = tf.zeros([tuned.trainable!.layout.size]);
        const terms = addGradients(tuned, frozen, batch, config, slab);
        const gradients = unpackSlab(tuned.trainable!.layout, (await slab.data()) as Float32Array);
        const values = await terms.data();
        termNames.forEach((term, i) => expect(Math.abs(values[i]! - expected[term]), term).toBeLessThan(1e-4));
        expect([...gradients.keys()].sort()).toEqual([...expectedGradients.keys()].sort());
        for (const [parameter, { data }] of expectedGradients) expect(relativeError(gradients.get(parameter)!.data, data), parameter).toBeLessThan(1e-4);
        tf.dispose([slab, terms]);
        frozen.dispose();
        expect(tf.memory().numTensors).toBe(before);
      },
    );

    it('takes the ten steps that PyTorch takes', async () => {
      const config = { ...defaultTrainConfig, borderlineShare: 0.5, ...reference.run.config, benignPerStep: 4, unsafePerStep: 3 };
      const lm = createLm(reference.config, reference.base);
      const steps = train({ lm, base, rows, config });
      for (const expected of reference.run.steps) {
        const { value, done } = await steps.next();
        if (done) throw new Error('training ended early');
        for (const [term, number] of Object.entries(expected))
          expect(Math.abs(value[term as keyof StepMetrics] - number), `${term} of step ${value.step}`).toBeLessThan(1e-3 * Math.max(0.1, Math.abs(number)));
      }
      const end = await steps.next();
      if (!end.done) throw new Error('training took too many steps');
      for (const [parameter, { data }] of reference.run.final) expect(relativeError(end.value.params.get(parameter)!.data, data), parameter).toBeLessThan(1e-3);
      lm.dispose();
    });

    it('gives the same losses bit by bit for the same seed, and others for another', async () => {
      const lm = createLm(reference.config, reference.base);
      const first = await collect(train({ lm, base, rows, config: small }));
      assignParams(lm, reference.base);
      const second = await collect(train({ lm, base, rows, config: small }));
      expect(second.metrics.map(timeless)).toEqual(first.metrics.map(timeless));
      expect(second.state.params).toEqual(first.state.params);
      assignParams(lm, reference.base);
      const other = await collect(train({ lm, base, rows, config: { ...small, seed: 43 } }));
      expect(other.metrics.map(timeless)).not.toEqual(first.metrics.map(timeless));
      lm.dispose();
    });

    it('goes on from saved bytes as if it had never stopped, bit by bit', async () => {
      const lm = createLm(reference.config, reference.base);
      const whole = await collect(train({ lm, base, rows, config: small }));
      assignParams(lm, reference.base);
      const stop = new AbortController();
      const steps = train({ lm, base, rows, config: small, signal: stop.signal });
      const firstHalf = [(await steps.next()).value, (await steps.next()).value] as StepMetrics[];
      stop.abort();
      const stopped = await steps.next();
      if (!stopped.done) throw new Error('the generator went on after the abort');
      expect(stopped.value.step).toBe(2);
      assignParams(lm, reference.tuned); // whatever the LM held meanwhile
      const resumed = await collect(train({ lm, base, rows, config: { ...small, evalSteps: 3 }, state: decodeTrainState(encodeTrainState(stopped.value)) }));
      expect([...firstHalf, ...resumed.metrics].map(timeless)).toEqual(whole.metrics.map(timeless));
      expect(resumed.state.params).toEqual(whole.state.params);
      expect(resumed.state.moments).toEqual(whole.state.moments);
      expect(resumed.metrics[0]!.elapsedMs).toBeGreaterThan(firstHalf[1]!.elapsedMs);
      lm.dispose();
    });

    it.each([1, 2])('keeps tensors and GPU bytes over five steps and gives all tensors back, with %d micro-batches', async (gradientAccumulationSteps) => {
      const lm = createLm(reference.config, reference.base);
      const before = tf.memory().numTensors;
      const config = { ...defaultTrainConfig, borderlineShare: 0.5, ...reference.run.config, benignPerStep: 4, unsafePerStep: 3, gradientAccumulationSteps };
      const trainer = await openTrainer({ lm, base, rows, config });
      // Every step has the same rows, so the same shapes; two steps fill the pools.
      await trainer.nextStep();
      await trainer.nextStep();
      const { numTensors, gpuBytes } = backend().memory();
      for (let i = 0; i < 5; i++) {
        await trainer.nextStep();
        expect(backend().memory()).toMatchObject({ numTensors, gpuBytes });
      }
      trainer.dispose();
      expect(tf.memory().numTensors).toBe(before);
      lm.dispose();
    });
  });
}
