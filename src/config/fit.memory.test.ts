/** The counts of the fit against the peaks of tensor bytes that real steps have on WASM. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBatch } from '../data/batches.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { withDropout } from '../lm/adapter.ts';
import { loadLm } from '../lm/loadLm.ts';
import { trainableOf } from '../lm/params.ts';
import type { WeightSource } from '../lm/weightSource.ts';
import { openTestBackend } from '../testing/backend.ts';
import { peakTensorBytes } from '../testing/peakTensorBytes.ts';
import { BaseReference } from '../train/baseReference.ts';
import { addGradients } from '../train/gradients.ts';
import { openTrainer } from '../train/trainer.ts';
import { openTrained } from '../worker/openTrained.ts';
import { countFitBytes } from './fitBytes.ts';
import { type LmConfig, parseLmConfig } from './lm.ts';
import { parameterShapes } from './lmParameters.ts';
import { parseTrainConfig, type TrainConfig } from './train.ts';

let opened: OpenedBackend;
beforeAll(async () => {
  opened = await openTestBackend('wasm');
});
afterAll(() => opened.close());

const sizes = { vocab_size: 2048, hidden_size: 128, intermediate_size: 352, num_hidden_layers: 3, num_attention_heads: 4, max_position_embeddings: 256 };
const MODELS: Record<string, Record<string, unknown>> = {
  'a tiny llama': { model_type: 'llama', vocab_size: 480, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 1, num_attention_heads: 2, max_position_embeddings: 128 },
  'a llama with grouped queries and a tied head': { ...sizes, model_type: 'llama', num_key_value_heads: 2, tie_word_embeddings: true },
  'a GPT-2 whose logits are cut into tiles': { model_type: 'gpt2', vocab_size: 8000, n_embd: 96, n_layer: 2, n_head: 6, n_positions: 256 },
};
/** What differs in memory from a llama: parallel residual, biases, norms of queries and keys, sandwich norms. */
const FAMILIES: Record<string, Record<string, unknown>> = {
  'a Pythia': { ...sizes, model_type: 'gpt_neox' },
  'a Qwen2': { ...sizes, model_type: 'qwen2', num_key_value_heads: 2 },
  'a Qwen3': { ...sizes, model_type: 'qwen3', head_dim: 64, num_key_value_heads: 2, tie_word_embeddings: true },
  'a Gemma 3': { ...sizes, model_type: 'gemma3_text', head_dim: 64, num_key_value_heads: 1, sliding_window: 32, vocab_size: 9000 },
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

const sourcesOf = (config: LmConfig, dtype: WeightSource['dtype']): Map<string, WeightSource> =>
  // Zeros are weights too, and take no time to make.
  new Map([...parameterShapes(config)].map(([name, shape]) => [name, { dtype, shape, read: (begin, end) => Promise.resolve(new Uint8Array(end - begin)) }]));

/** Bytes of the LMs and the peak of one micro-batch, measured. */
async function measure(config: LmConfig, training: TrainConfig, dtype: WeightSource['dtype']): Promise<{ lms: number; peakBytes: number }> {
  const before = tf.memory().numBytes;
  const base = await loadLm(config, sourcesOf(config, dtype), { trainable: training.trainingMethod === 'full' });
  const lm = await openTrained(base, training);
  const lms = tf.memory().numBytes - before;
  const rows = rowsOf(training);
  const reference = await BaseReference.create(base, rows, training);
  const gradients = tf.zeros([trainableOf(lm).layout.size]);
  const { peakBytes, result } = peakTensorBytes(() => addGradients(withDropout(lm, 1), reference, createBatch(rows, training, 0), training, gradients));
  tf.dispose([gradients, result]);
  reference.dispose();
  lm.dispose();
  base.dispose();
  return { lms, peakBytes };
}

function expectNear(estimate: number, measured: number): void {
  expect(estimate / measured).toBeGreaterThan(0.95);
  expect(estimate / measured).toBeLessThan(1.05);
}

describe.each(Object.entries(MODELS))('the estimate for %s', (_, raw) => {
  const config = parseLmConfig(raw);

  it.each(Object.entries(SETTINGS))('is within a twentieth of the measured peak: %s', async (_settings, settings) => {
    const training = parseTrainConfig(settings);
    const { bytes } = countFitBytes({ config, storage: 'f32', limits, training, method: 'full' });
    const { lms, peakBytes } = await measure(config, training, 'F32');
    expectNear(bytes.activations, peakBytes);
    expect(bytes.weights).toBe(lms);
  });

  it('is exact for what lasts from step to step', async () => {
    const training = parseTrainConfig({ benignPerStep: 1, unsafePerStep: 1, maxLength: 8 });
    const base = await loadLm(config, sourcesOf(config, 'F32'), { trainable: true });
    const lm = await openTrained(base, training);
    const before = tf.memory().numBytes;
    const trainer = await openTrainer({ lm, base, rows: rowsOf(training), config: training });
    const { bytes } = countFitBytes({ config, storage: 'f32', limits, training, method: 'full' });
    // One flag of four bytes says whether a step was held back.
    expect(tf.memory().numBytes - before).toBe(bytes.costEmbedding + bytes.gradients + bytes.optimizer + 4);
    trainer.dispose();
    lm.dispose();
    base.dispose();
  });
});

describe.each(Object.entries({ ...MODELS, ...FAMILIES }))('the estimate for %s with LoRA on packed weights', (_, raw) => {
  const config = parseLmConfig(raw);
  const asked = { benignPerStep: 4, unsafePerStep: 4, maxLength: 65, trainingMethod: 'lora' as const };

  it.each([
    ['kept whole', asked],
    ['checkpointed', { ...asked, gradientCheckpointing: true }],
    ['with dropout on the MLP', { ...asked, lora: { r: 4, loraDropout: 0.1 } }],
  ] as const)('is within a twentieth of the measured peak: %s', async (_settings, settings) => {
    const training = parseTrainConfig(settings);
    const { bytes } = countFitBytes({ config, storage: 'bf16', limits, training, method: 'lora' });
    const { lms, peakBytes } = await measure(config, training, 'BF16');
    expectNear(bytes.activations, peakBytes);
    expectNear(bytes.weights, lms);
  });
});
