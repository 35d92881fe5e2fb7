/**
 * Workload M on our engine: forward and backward of a 12-layer LM of width 512 (GPT-2's shape) on a small batch, as for LoRA, with and
 * without gradient checkpointing; and the most bytes of tensors that it holds at once beyond weights and gradients. No optimizer step.
 */
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../../src/base/rng.ts';
import { parseLmConfig } from '../../src/config/lm.ts';
import { parseTrainConfig } from '../../src/config/train.ts';
import type { Batch } from '../../src/data/batches.ts';
import { createLm } from '../../src/lm/params.ts';
import { readTensor } from '../../src/optim/readTensor.ts';
import { peakTensorBytes } from '../../src/testing/peakTensorBytes.ts';
import { addGradients } from '../../src/train/gradients.ts';
import { gpt2Config, mediumSize } from '../gpt2Step.ts';
import { randomGpt2Weights } from '../randomWeights.ts';
import type { OpenEngine } from './engine.ts';
import { openOurs } from './openOurs.ts';

export interface MediumSample {
  elapsedMs: number;
  /** Of the tensors that forward and backward hold at once, on top of weights and gradients. */
  peakBytes: number;
}

const open: OpenEngine<{ backend: 'webgpu' | 'wasm' }> = async ({ backend }) => {
  const opened = await openOurs(backend);
  const { vocabSize: V, hiddenSize: C, numLayers, numHeads, seqLength: T, batchSize: B } = mediumSize;
  const rng = new Rng(3);
  const config = parseLmConfig({ ...gpt2Config, vocab_size: V, n_embd: C, n_layer: numLayers, n_head: numHeads, n_positions: T });
  const lm = createLm(config, randomGpt2Weights({ ...mediumSize, rng }));
  const gradients = tf.tidy(() => tf.variable(tf.zeros([lm.trainable!.layout.size]), false));
  const all = Int32Array.from({ length: B * T }, (_, i) => i);
  const labels = Int32Array.from({ length: B * T }, () => rng.int(V));
  const none = { positions: new Int32Array(0), labels: new Int32Array(0), rowOffsets: new Int32Array(1) };
  const rowOffsets = Int32Array.from({ length: B + 1 }, (_, row) => row * T);
  const batch: Batch = { inputIds: Int32Array.from(labels, () => rng.int(V)), B, T, benign: { positions: all, labels, rowOffsets }, unsafe: none, unsafeRows: [], tokens: B * T };
  const settings = parseTrainConfig({ semanticLambda: 0 });
  return {
    step: async ({ gradientCheckpointing }: { gradientCheckpointing: boolean }): Promise<MediumSample> => {
      const started = performance.now();
      const { peakBytes, result } = peakTensorBytes(() => addGradients(lm, undefined as never, batch, { ...settings, gradientCheckpointing }, gradients));
      await readTensor(result);
      await opened.assertHealthy();
      result.dispose();
      return { elapsedMs: performance.now() - started, peakBytes };
    },
  };
};
export default open;
