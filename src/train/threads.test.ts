import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, it, vi } from 'vitest';
import { parseLmConfig } from '../config/lm.ts';
import { parameterShapes } from '../config/lmParameters.ts';
import { parseTrainConfig } from '../config/train.ts';
import type { Batch } from '../data/batches.ts';
import { openSimd } from '../kernels/simd/openSimd.ts';
import { ThreadPool } from '../kernels/simd/threadPool.ts';
import { ThreadTuner } from '../kernels/simd/threadTuner.ts';
import type { WasmHost } from '../kernels/wasmHost.ts';
import { createLm } from '../lm/params.ts';
import { AdamW } from '../optim/adamW.ts';
import { randomFloats, randomInts } from '../testing/arrays.ts';
import { openTestBackend } from '../testing/backend.ts';
import { addGradients } from './gradients.ts';

const raw = {
  model_type: 'llama', vocab_size: 700, hidden_size: 64, intermediate_size: 150, num_hidden_layers: 2, num_attention_heads: 4, num_key_value_heads: 2,
  max_position_embeddings: 64, rms_norm_eps: 1e-5, tie_word_embeddings: true,
};
const [B, T] = [6, 40];

afterEach(() => vi.restoreAllMocks());

/** Three training steps on so many threads; the loss terms of each and all parameters, as bits. */
async function trainOn(threads: number): Promise<{ bits: string; helped: number }> {
  const opened = await openTestBackend('wasm', threads);
  try {
    const config = parseLmConfig(raw);
    const weights = new Map([...parameterShapes(config)].map(([name, shape], i) => [name, { shape, data: randomFloats(shape.reduce((a, b) => a * b, 1), i).map((x) => 0.1 * x) }]));
    const lm = createLm(config, weights);
    const settings = parseTrainConfig({ semanticLambda: 0 });
    const optimizer = new AdamW(lm.trainable!, settings);
    const gradients = tf.tidy(() => tf.variable(tf.zeros([lm.trainable!.layout.size]), false));
    const none = { positions: new Int32Array(0), labels: new Int32Array(0), rowOffsets: new Int32Array(1) };
    const tokens = B * T;
    const all = Int32Array.from({ length: tokens }, (_, i) => i);
    const rowOffsets = Int32Array.from({ length: B + 1 }, (_, row) => row * T);
    const shared = vi.spyOn(ThreadPool.prototype, 'run');
    const parts: Buffer[] = [];
    for (let step = 1; step <= 3; step++) {
      const batch: Batch = {
        inputIds: randomInts(tokens, raw.vocab_size, step), B, T,
        benign: { positions: all, labels: randomInts(tokens, raw.vocab_size, 10 + step), rowOffsets }, unsafe: none, unsafeRows: [], tokens,
      };
      const terms = addGradients(lm, undefined as never, batch, settings, gradients);
      const clip = tf.tensor1d([1, 0.5]);
      optimizer.step(gradients, clip, 1e-2, step);
      parts.push(Buffer.from((await terms.data()).buffer));
    }
    parts.push(Buffer.from((await lm.trainable!.slab.data()).buffer));
    expect(openSimd(tf.backend() as unknown as WasmHost).threads).toBe(threads);
    return { bits: Buffer.concat(parts).toString('base64'), helped: shared.mock.calls.length };
  } finally {
    await opened.close();
  }
}

it('trains to the same bits on one thread, on two and on three', async () => {
  // Every job that can be shared is, whatever the machine is busy with.
  vi.spyOn(ThreadTuner.prototype as unknown as { choose(): string }, 'choose').mockReturnValue('shared');
  const one = await trainOn(1);
  expect(one.helped).toBe(0);
  for (const threads of [2, 3]) {
    const many = await trainOn(threads);
    expect(many.helped).toBeGreaterThan(50);
    expect(many.bits === one.bits).toBe(true);
  }
});
