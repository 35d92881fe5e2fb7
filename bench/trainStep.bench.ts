/**
 * Time of one fine-tuning step and of decoding on the demo's sizes, with random weights and tokens, and where the time goes.
 * Run: npx tsx bench/trainStep.bench.ts [wasm|webgpu] [steps] [threads]   CPU time of this process, which is fair on a busy machine.
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { Rng } from '../src/base/rng.ts';
import { parseLmConfig } from '../src/config/lm.ts';
import { parseTrainConfig } from '../src/config/train.ts';
import type { EncodedRow } from '../src/data/encodeTrainingData.ts';
import { cloneLm } from '../src/lm/cloneLm.ts';
import { createLm } from '../src/lm/params.ts';
import { openTestBackend } from '../src/testing/backend.ts';
import { openTrainer } from '../src/train/trainer.ts';
import { randomWeights } from './randomWeights.ts';

const backendName = process.argv[2] === 'webgpu' ? 'webgpu' : 'wasm';
const steps = Number(process.argv[3] ?? 12);
const opened = await openTestBackend(backendName, Number(process.argv[4] ?? 1));
const rng = new Rng(1);
const config = parseLmConfig({
  model_type: 'llama',
  vocab_size: 2048,
  hidden_size: 128,
  intermediate_size: 384,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  max_position_embeddings: 256,
});
const lm = createLm(config, randomWeights(config, rng));
const base = await cloneLm(lm);
const row = (): EncodedRow => ({ tokenIds: Int32Array.from({ length: 40 + rng.int(24) }, () => rng.int(config.vocabSize)), promptLength: 16 });
const rowsOf = (count: number): EncodedRow[] => Array.from({ length: count }, row);
const trainer = await openTrainer({ lm, base, rows: { unsafe: rowsOf(20), everyday: rowsOf(60), borderline: rowsOf(30) }, config: parseTrainConfig({ maxSteps: steps }) });

/** Inclusive milliseconds of each kernel, by wrapping the registered functions. On WebGPU this is recording time only. */
const spent = new Map<string, { ms: number; calls: number }>();
for (const kernel of tf.getKernelsForBackend(backendName)) {
  tf.unregisterKernel(kernel.kernelName, backendName);
  tf.registerKernel({
    ...kernel,
    kernelFunc: (parameters) => {
      const from = performance.now();
      const out = kernel.kernelFunc(parameters);
      const entry = spent.get(kernel.kernelName) ?? { ms: 0, calls: 0 };
      spent.set(kernel.kernelName, { ms: entry.ms + performance.now() - from, calls: entry.calls + 1 });
      return out;
    },
  });
}

const cpuMs: number[] = [];
const wallMs: number[] = [];
for (let i = 0; i < steps; i++) {
  if (i === 2) spent.clear();
  const from = process.cpuUsage();
  const started = performance.now();
  const metrics = await trainer.nextStep();
  const used = process.cpuUsage(from);
  cpuMs.push((used.user + used.system) / 1000);
  wallMs.push(performance.now() - started);
  if (i === steps - 1) console.log(`step ${metrics?.step}: ${metrics?.tokens} tokens, loss ${metrics?.lossTotal.toFixed(4)}`);
}
await opened.assertHealthy();
const median = (values: number[]): number => values.slice(2).sort((p, q) => p - q)[Math.floor((values.length - 2) / 2)] as number;
console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${backendName}: step ${median(cpuMs).toFixed(0)} ms CPU, ${median(wallMs).toFixed(0)} ms wall (medians of ${steps - 2})`);
for (const [name, { ms, calls }] of [...spent].sort((a, b) => b[1].ms - a[1].ms).slice(0, 16)) console.log(`  ${name.padEnd(30)} ${(ms / (steps - 2)).toFixed(2).padStart(8)} ms ${(calls / (steps - 2)).toFixed(0).padStart(5)} calls`);
process.exit(0);
