import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseLmConfig } from '../config/lm.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { openTestBackend } from '../testing/backend.ts';
import { createRopes } from './ropes.ts';

let backend: OpenedBackend;
beforeAll(async () => {
  backend = await openTestBackend('wasm');
});
afterAll(() => backend.close());

const sizes = { vocab_size: 9, hidden_size: 8, intermediate_size: 8, num_hidden_layers: 2, num_attention_heads: 2, num_key_value_heads: 1, head_dim: 4, max_position_embeddings: 3000 };

it('makes tables for the positions that were needed so far, and more of the same when a longer row comes, also within a tidy', async () => {
  const before = tf.memory().numTensors;
  const ropes = createRopes(parseLmConfig({ model_type: 'llama', ...sizes }))!;
  expect(ropes.of('full_attention').cos.shape).toEqual([1024, 2]);
  const first = Float32Array.from(await ropes.of('full_attention').sin.data());
  tf.tidy(() => ropes.cover(1025));
  expect(ropes.of('full_attention').sin.shape).toEqual([2048, 2]);
  expect((await ropes.of('full_attention').sin.data()).slice(0, first.length)).toEqual(first);
  ropes.cover(3000);
  expect(ropes.of('sliding_attention').cos.shape).toEqual([3000, 2]);
  ropes.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

it('gives sliding layers tables of their own where the LM has another RoPE for them', async () => {
  const ropes = createRopes(parseLmConfig({ model_type: 'gemma3_text', ...sizes, max_position_embeddings: 16 }))!;
  const [full, local] = [ropes.of('full_attention'), ropes.of('sliding_attention')];
  expect([full.cos.shape, local.cos.shape]).toEqual([[16, 2], [16, 2]]);
  expect(await full.sin.data()).not.toEqual(await local.sin.data());
  ropes.dispose();
});

it('makes none where positions are learned', () => {
  expect(createRopes(parseLmConfig({ model_type: 'gpt2', vocab_size: 9, n_embd: 8, n_layer: 1, n_head: 2 }))).toBeNull();
});
