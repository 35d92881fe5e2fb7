/** The measured step, the same for every backend: WASM in *.test.ts, WebGPU in *.gpu.test.ts. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EngineError } from '../base/errors.ts';
import { deviceLimitsOf, estimateFit } from '../config/fit.ts';
import { parseLmConfig } from '../config/lm.ts';
import { parameterShapes } from '../config/lmParameters.ts';
import { parseTrainConfig, type TrainConfig } from '../config/train.ts';
import { Rng } from '../base/rng.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createLm, type LanguageModel, readParams } from '../lm/params.ts';
import { measureStep, type MeasureInput } from '../worker/measureStep.ts';
import { openTrained } from '../worker/openTrained.ts';

const config = parseLmConfig({
  model_type: 'llama', vocab_size: 320, hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2,
  max_position_embeddings: 64, tie_word_embeddings: true,
});

function randomLm(): LanguageModel {
  const rng = new Rng(3);
  return createLm(config, new Map([...parameterShapes(config)].map(([name, shape]) => [name, { shape, data: Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, () => 0.1 * rng.normal()) }])));
}

function rowsOf(lengths: number[]) {
  const row = (length: number) => ({ tokenIds: Int32Array.from({ length }, (_, i) => (7 * i + length) % 300), promptLength: 2 });
  return { unsafe: lengths.map(row), everyday: lengths.map(row), borderline: lengths.map(row) };
}

export function describeMeasuredStep(name: string, open: () => Promise<OpenedBackend>): void {
  describe(`a measured step on ${name}`, () => {
    let backend: OpenedBackend;
    let base: LanguageModel;
    beforeAll(async () => {
      backend = await open();
      base = randomLm();
    });
    afterEach(() => backend.assertHealthy());
    afterAll(async () => {
      base.dispose();
      await backend.close();
    });

    const inputFor = (training: TrainConfig, changed: Partial<MeasureInput> = {}): MeasureInput => ({
      base,
      openTrained: () => openTrained(base, training),
      rows: rowsOf([5, 9, 30, 12, 7, 28, 11, 13]),
      config: training,
      backend,
      limits: deviceLimitsOf({ backend: backend.backend, maxBufferSizeBytes: backend.maxBufferSizeBytes }),
      now: () => performance.now(),
      ...changed,
    });
    const training = (settings: Partial<TrainConfig> = {}) => parseTrainConfig({ benignPerStep: 4, unsafePerStep: 4, maxLength: 32, ...settings });

    it.each(['full', 'lora'] as const)('takes settings that fit as they are and leaves nothing behind: %s', async (trainingMethod) => {
      const asked = training({ trainingMethod });
      const before = tf.memory();
      const weights = await readParams(base);
      const measured = await measureStep(inputFor(asked));
      expect(measured.config).toEqual(asked);
      expect(measured.changes).toEqual([]);
      expect(measured.room).toMatch(/^Fits with room: by the estimate, micro-batches of up to 128 \+ 128 rows/);
      expect(measured.msPerStep).toBeGreaterThan(0);
      expect(measured.tokensPerSecond).toBeGreaterThan(0);
      expect(measured.gpuBytes === null).toBe(backend.backend === 'wasm');
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numBytes).toBe(before.numBytes);
      expect(await readParams(base)).toEqual(weights);
    });

    it('measures the heaviest micro-batch: its peak is near the estimate for rows of the longest length', async () => {
      const asked = training({ benignPerStep: 2, unsafePerStep: 2 });
      const before = tf.memory().numBytes;
      const { peakBytes } = await measureStep(inputFor(asked));
      const { bytes } = estimateFit({ config, storage: 'f32', limits: inputFor(asked).limits, training: { ...asked, maxLength: 30 }, method: 'full' });
      // Without what the base holds already.
      const estimated = bytes.weights / 2 + bytes.costEmbedding + bytes.gradients + bytes.optimizer + bytes.activations;
      expect(estimated / (peakBytes - before)).toBeGreaterThan(0.8);
      expect(estimated / (peakBytes - before)).toBeLessThan(1.25);
    });

    it('switches to accumulation, then to checkpointing, where the limits ask for it, and says so', async () => {
      const asked = training();
      const needed = (settings: Partial<TrainConfig>) => {
        const { limits } = inputFor(asked);
        return estimateFit({ config, storage: 'f32', limits, training: { ...asked, ...settings, maxLength: 30 }, method: 'full', decodingRows: 0 }).bytes.total;
      };
      const limited = (totalBytes: number) => inputFor(asked, { limits: { backend: 'wasm', maxTensorBytes: 1e9, totalBytes } });
      const halved = await measureStep(limited(1.3 * needed({ benignPerStep: 2, unsafePerStep: 2 })));
      expect(halved.config).toEqual({ ...asked, benignPerStep: 2, unsafePerStep: 2, gradientAccumulationSteps: 2 });
      expect(halved.changes).toEqual([expect.stringMatching(/^About .* Changed to 2 \+ 2 rows a micro-batch instead of 4 \+ 4, accumulated 2 times: a step still has 8 rows\.$/)]);
      expect(halved.room).toBeNull();
      const checkpointed = await measureStep(limited(1.26 * needed({ benignPerStep: 1, unsafePerStep: 1, gradientCheckpointing: true })));
      expect(checkpointed.config).toMatchObject({ benignPerStep: 1, unsafePerStep: 1, gradientAccumulationSteps: 4, gradientCheckpointing: true });
      expect(checkpointed.changes).toHaveLength(3);
    });

    it('says what would help where nothing fits, and tries nothing', async () => {
      const tried: TrainConfig[] = [];
      const before = tf.memory().numTensors;
      const failed = measureStep(inputFor(training(), { limits: { backend: 'wasm', maxTensorBytes: 1e9, totalBytes: 1000 }, openTrained: () => Promise.reject(new Error('nothing may be tried')), onTry: (config) => tried.push(config) }));
      await expect(failed).rejects.toMatchObject({ code: 'out-of-memory', message: expect.stringContaining('even with the smallest micro-batches') });
      expect(tried).toHaveLength(4);
      expect(tf.memory().numTensors).toBe(before);
    });

    it('takes a refused trial allocation for a no, and the device stays usable', async () => {
      const asked = training();
      let trials = 0;
      const watched = { ...backend, canAllocate: async (bytes: number) => ++trials > 1 && backend.canAllocate(bytes) };
      const { config: settled, changes } = await measureStep(inputFor(asked, { backend: watched }));
      expect(settled).toMatchObject({ benignPerStep: 2, unsafePerStep: 2, gradientAccumulationSteps: 2 });
      expect(changes).toEqual([expect.stringMatching(/^The device refuses .* Changed to 2 \+ 2 rows/)]);
      expect(await backend.canAllocate(2 ** 20)).toBe(true);
      expect(await backend.canAllocate(2 ** 50)).toBe(false);
    });

    it('takes a real shortage in the middle of a step for a no, and frees what that step had made', async () => {
      const asked = training();
      const before = tf.memory().numTensors;
      let opened = 0;
      const { changes } = await measureStep(
        inputFor(asked, {
          async openTrained() {
            const lm = await openTrained(base, asked);
            // The first trial finds the device full where it runs the layers.
            if (++opened > 1) return lm;
            return { ...lm, get layers(): LanguageModel['layers'] { throw new EngineError('out-of-memory', 'The heap has no room.'); } };
          },
        }),
      );
      expect(changes).toEqual([expect.stringMatching(/^The heap has no room\. Changed to 2 \+ 2 rows/)]);
      expect(tf.memory().numTensors).toBe(before);
    });
  });
}
