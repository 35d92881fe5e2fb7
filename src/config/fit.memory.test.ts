/** The counts of the fit against the peaks of tensor bytes that real steps have on WASM. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatch } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createLm, trainableOf } from '../lm/params.ts';
import { openTestBackend } from '../testing/backend.ts';
import { peakTensorBytes } from '../testing/peakTensorBytes.ts';
import { BaseReference } from '../train/baseReference.ts';
import { addGradients } from '../train/gradients.ts';
import { openTrainer } from '../train/trainer.ts';
import { countFitBytes } from './fitBytes.ts';
import { parseLmConfig } from './lm.ts';
import { parameterShapes } from './lmParameters.ts';
import { parseTrainConfig, type TrainConfig } from './train.ts';

let opened: OpenedBackend;
beforeAll(async () => {
  opened = await openTestBackend('wasm');
});
afterAll(() => opened.close());

const MODELS = {
  'a tiny llama': { model_type: 'llama', vocab_size: 480, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 128 },
  'a llama of four layers': { model_type: 'llama', vocab_size: 2048, hidden_size: 128, intermediate_size: 352, num_hidden_layers: 4, num_attention_heads: 4, num_key_value_heads: 2, max_position_embeddings: 256, tie_word_embeddings: true },
  'a GPT-2 whose logits are cut into tiles': { model_type: 'gpt2', vocab_size: 8000, n_embd: 192, n_layer: 3, n_head: 6, n_positions: 256 },
};
const SETTINGS: Record<string, Partial<TrainConfig>> = {
  'four rows of each kind': { benignPerStep: 4, unsafePerStep: 4, maxLength: 33 },
  'sixteen rows': { benignPerStep: 8, unsafePerStep: 8, maxLength: 65 },
  'sixteen rows, checkpointed': { benignPerStep: 8, unsafePerStep: 8, maxLength: 65, gradientCheckpointing: true },
  'four rows with the KL anchor': { benignPerStep: 2, unsafePerStep: 2, maxLength: 65, klBeta: 0.1 },
  'two rows, checkpointed, with the KL anchor': { benignPerStep: 1, unsafePerStep: 1, maxLength: 128, gradientCheckpointing: true, klBeta: 0.1 },
};

function rowsOf({ maxLength }: TrainConfig) {
  const row = () => ({ tokenIds: Int32Array.from({ length: maxLength }, (_, i) => i % 100), promptLength: 1 });
  const rows = () => Array.from({ length: 8 }, row);
  return { unsafe: rows(), everyday: rows(), borderline: rows() };
}

const limits = { backend: 'wasm', maxTensorBytes: Infinity, totalBytes: null } as const;

describe.each(Object.entries(MODELS))('the estimate for %s', (_, raw) => {
  const config = parseLmConfig(raw);
  const weights = new Map([...parameterShapes(config)].map(([name, shape]) => [name, { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.01) }]));

  it.each(Object.entries(SETTINGS))('is within a twentieth of the measured peak: %s', async (_settings, settings) => {
    const training = parseTrainConfig(settings);
    const { bytes } = countFitBytes({ config, storage: 'f32', limits, training, method: 'full' });
    const before = tf.memory().numBytes;
    const base = createLm(config, weights);
    const lm = createLm(config, weights);
    const lms = tf.memory().numBytes - before;
    const rows = rowsOf(training);
    const reference = await BaseReference.create(base, rows, training);
    const gradients = tf.zeros([trainableOf(lm).layout.size]);
    const { peakBytes, result } = peakTensorBytes(() => addGradients(lm, reference, createBatch(rows, training, 0), training, gradients));
    tf.dispose([gradients, result]);
    reference.dispose();
    expect(bytes.activations / peakBytes).toBeGreaterThan(0.95);
    expect(bytes.activations / peakBytes).toBeLessThan(1.05);
    expect(bytes.weights).toBe(lms);
    base.dispose();
    lm.dispose();
  });

  it('is exact for what lasts from step to step', async () => {
    const training = parseTrainConfig({ benignPerStep: 1, unsafePerStep: 1, maxLength: 8 });
    const base = createLm(config, weights);
    const lm = createLm(config, weights);
    const before = tf.memory().numBytes;
    const trainer = await openTrainer({ lm, base, rows: rowsOf(training), config: training });
    const { bytes } = countFitBytes({ config, storage: 'f32', limits, training, method: 'full' });
    // One flag of four bytes says whether a step was held back.
    expect(tf.memory().numBytes - before).toBe(bytes.costEmbedding + bytes.gradients + bytes.optimizer + 4);
    trainer.dispose();
    base.dispose();
    lm.dispose();
  });
});
