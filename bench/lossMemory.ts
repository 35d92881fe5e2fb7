/**
 * Peak memory of the loss at the size of a real language model: all tensors that head loss and objective hold at once, gradients of the hidden
 * states included; hidden states, weights and their gradients are given and do not count.
 * Run: npx tsx bench/lossMemory.ts   (on WASM, where every tensor is counted exactly; a minute of CPU and 500 MB)
 */
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { headLossBackward, headLossForward } from '../src/kernels/headLoss/headLoss.ts';
import type { Slice } from '../src/kernels/slice.ts';
import { semanticObjective } from '../src/loss/semanticLoss.ts';
import { openTestBackend } from '../src/testing/backend.ts';
import { peakTensorBytes } from '../src/testing/peakTensorBytes.ts';

const [V, C] = [50257, 768];

export interface LossPeak {
  /** Tokens through the head, all B * T of them, and how many of these are unsafe. */
  tokens: number;
  unsafeTokens: number;
  V: number;
  C: number;
  peakBytes: number;
  /** Over B * T * (C + 2) floats. */
  ratio: number;
}

/**
 * Runs forward, objective and backward once on the active backend and counts.
 * @param unsafeTokens of the tokens; they have the semantic distance with a cost embedding of width C
 */
export function lossPeakBytes(tokens = 1024, unsafeTokens = tokens / 2): LossPeak {
  const benignTokens = tokens - unsafeTokens;
  const random = (rows: number): tf.Tensor => tf.randomNormal([rows, C], 0, 0.05, 'float32', 1);
  const labels = (count: number): tf.Tensor => tf.tensor1d(Int32Array.from({ length: count }, (_, i) => (i * 97) % V), 'int32');
  const head = random(V);
  const gradHeadSlab = tf.zeros([V * C]);
  const gradHead: Slice = { slab: gradHeadSlab, offset: 0, shape: [V, C] };
  const given = { benign: random(Math.max(1, benignTokens)), unsafe: random(Math.max(1, unsafeTokens)), benignLabels: labels(benignTokens), unsafeLabels: labels(unsafeTokens) };
  const cost = { embedding: random(V), objective: 'emd_exact' as const };
  const rowOffsets = tf.tensor1d([0, unsafeTokens], 'int32');
  const baseLogProbs = tf.fill([unsafeTokens], -10);
  const { peakBytes } = peakTensorBytes(() => {
    const benign = benignTokens > 0 ? headLossForward({ hidden: given.benign, head, labels: given.benignLabels }) : null;
    const unsafe = unsafeTokens > 0 ? { state: headLossForward({ hidden: given.unsafe, head, labels: given.unsafeLabels, cost }), rowOffsets, baseLogProbs } : null;
    const objective = semanticObjective(benign, unsafe, { semanticLambda: 0.3, prefixWeighting: 'importance', importanceLogClamp: 0.3, klBeta: 0 });
    const gradients = [benign && headLossBackward(benign, objective.benign!, gradHead), unsafe && headLossBackward(unsafe.state, objective.unsafe!, gradHead)];
    objective.dispose();
    tf.dispose([objective.terms, ...gradients.filter((g) => g !== null)]);
    benign?.dispose();
    unsafe?.state.dispose();
  });
  tf.dispose([head, gradHeadSlab, cost.embedding, rowOffsets, baseLogProbs, ...Object.values(given)]);
  return { tokens, unsafeTokens, V, C, peakBytes, ratio: peakBytes / (4 * tokens * (C + 2)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const opened = await openTestBackend('wasm', 2);
  for (const [tokens, unsafeTokens] of [[512, 512], [1024, 0], [1024, 512], [1024, 1024]] as const) {
    const started = performance.now();
    const { peakBytes, ratio } = lossPeakBytes(tokens, unsafeTokens);
    console.log(`${tokens} tokens, ${unsafeTokens} unsafe, V ${V}, C ${C}: ${(peakBytes / 2 ** 20).toFixed(2)} MiB at the peak, ${ratio.toFixed(2)}x of B T (C + 2) floats (${((performance.now() - started) / 1000).toFixed(0)} s)`);
  }
  await opened.close();
  process.exit(0);
}
