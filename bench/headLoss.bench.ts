/**
 * Time of the loss alone at the demo's sizes: head, cross-entropy and semantic term, forward and backward, semantic against plain fine-tuning on
 * as many tokens. Interleaved, so that both see the same machine.
 * Run: npx tsx bench/headLoss.bench.ts [wasm|webgpu] [rounds] [tokens]
 */
import * as tf from '@tensorflow/tfjs-core';
import { headLossBackward, headLossForward, labelLogProbs } from '../src/kernels/headLoss/headLoss.ts';
import type { Slice } from '../src/kernels/slice.ts';
import { createCostEmbedding } from '../src/loss/costEmbedding.ts';
import { semanticObjective } from '../src/loss/semanticLoss.ts';
import { openTestBackend } from '../src/testing/backend.ts';

const backendName = process.argv[2] === 'webgpu' ? 'webgpu' : 'wasm';
const rounds = Number(process.argv[3] ?? 20);
const tokens = Number(process.argv[4] ?? 512);
const [V, C] = [2048, 128];
const opened = await openTestBackend(backendName, 1);

const random = (rows: number): tf.Tensor2D => tf.randomNormal([rows, C], 0, 0.5, 'float32', 1);
const labels = (count: number): tf.Tensor => tf.tensor1d(Int32Array.from({ length: count }, (_, i) => (i * 97) % V), 'int32');
const head = random(V);
const cost = createCostEmbedding(random(V));
const slab = tf.zeros([V * C]);
const gradHead: Slice = { slab, offset: 0, shape: [V, C] };
const settings = { semanticLambda: 0.3, prefixWeighting: 'importance' as const, importanceLogClamp: 0.3, klBeta: 0 };
const half = tokens / 2;
const someHidden = random(half);
const given = { all: random(tokens), allLabels: labels(tokens), some: someHidden, someLabels: labels(half), rowOffsets: tf.tensor1d(Int32Array.from({ length: 9 }, (_, i) => Math.floor((i * half) / 8)), 'int32'), baseLogProbs: labelLogProbs(someHidden, head, labels(half)) };

async function step(semantic: boolean): Promise<number> {
  const started = performance.now();
  const benign = headLossForward({ hidden: semantic ? given.some : given.all, head, labels: semantic ? given.someLabels : given.allLabels });
  const unsafe = semantic ? { state: headLossForward({ hidden: given.some, head, labels: given.someLabels, cost: { ...cost, objective: 'emd_exact' } }), rowOffsets: given.rowOffsets, baseLogProbs: given.baseLogProbs } : null;
  const objective = semanticObjective(benign, unsafe, settings);
  const gradients = [headLossBackward(benign, objective.benign!, gradHead), unsafe && headLossBackward(unsafe.state, objective.unsafe!, gradHead)];
  await objective.terms.data();
  const elapsedMs = performance.now() - started;
  objective.dispose();
  tf.dispose([objective.terms, ...gradients.filter((g) => g !== null)]);
  benign.dispose();
  unsafe?.state.dispose();
  return elapsedMs;
}

const times = { plain: [] as number[], semantic: [] as number[] };
for (let i = 0; i < rounds + 2; i++) {
  const plain = await step(false);
  const semantic = await step(true);
  if (i < 2) continue;
  times.plain.push(plain);
  times.semantic.push(semantic);
}
await opened.assertHealthy();
const sorted = (values: number[]) => values.slice().sort((a, b) => a - b);
for (const [name, values] of Object.entries(times)) console.log(`${backendName} ${name}: median ${sorted(values)[Math.floor(rounds / 2)]!.toFixed(2)} ms, best ${sorted(values)[0]!.toFixed(2)} ms for ${tokens} tokens, V ${V}, C ${C}`);
const ratios = sorted(times.semantic.map((value, i) => value / times.plain[i]!));
console.log(`semantic over plain: median of pairs ${ratios[Math.floor(rounds / 2)]!.toFixed(2)}, best over best ${(sorted(times.semantic)[0]! / sorted(times.plain)[0]!).toFixed(2)}`);
await opened.close();
process.exit(0);
