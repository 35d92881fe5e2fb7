/**
 * Time of each kernel on WASM at the sizes of a training batch (16 rows of 64 tokens, 4 heads of 32, vocabulary 2048): forward alone
 * and forward with gradient, CPU time of this process (fair on a busy machine), medians.
 * Run: npx tsx bench/kernels.bench.ts [repetitions]
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../src/device/openDevice.ts';
import { adamWStep } from '../src/kernels/adamW/adamW.ts';
import { causalAttention } from '../src/kernels/attention/attention.ts';
import { crossEntropy } from '../src/kernels/crossEntropy/crossEntropy.ts';
import { embedding } from '../src/kernels/embedding/embedding.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import { rmsNorm } from '../src/kernels/rmsNorm/rmsNorm.ts';
import { createRopeTables, rope } from '../src/kernels/rope/rope.ts';
import { globalNorm } from '../src/kernels/sumSquares/sumSquares.ts';
import { swiGlu } from '../src/kernels/swiGlu/swiGlu.ts';

const [B, T, H, K, V, C, F] = [16, 64, 4, 32, 2048, 128, 512];
const N = B * T;
const repetitions = Number(process.argv[2] ?? 15);

await openBackend('wasm', { allowSoftwareAdapter: false });
registerKernels('wasm');

const random = (shape: number[]): tf.Tensor => tf.randomNormal(shape);
const ints = (shape: number[], limit: number): tf.Tensor => tf.tensor(Int32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => (i * 7919) % limit), shape, 'int32');
const { cos, sin } = createRopeTables({ maxPositionEmbeddings: 128, headDim: K, ropeTheta: 10000 });
const ids = ints([B, T], V);
const labels = ints([N], V);
const positions = ints([B, T], 64);
const start = tf.zeros([B], 'int32');

const differentiable: [string, (...inputs: tf.Tensor[]) => tf.Tensor, tf.Tensor[]][] = [
  ['attention', (q, k, v) => causalAttention(q!, k!, v!, { pastLength: 0, start }), [random([B, T, H, K]), random([B, T, H, K]), random([B, T, H, K])]],
  ['crossEntropy', (z) => crossEntropy(z!, labels), [random([N, V])]],
  ['softmax (stock)', (z) => tf.softmax(z!), [random([N, V])]],
  ['rmsNorm', (x, w) => rmsNorm(x!, w!, 1e-5), [random([B, T, C]), random([C])]],
  ['rope', (x) => rope(x!, cos, sin, positions), [random([B, T, H, K])]],
  ['swiGlu', (g, u) => swiGlu(g!, u!), [random([N, F]), random([N, F])]],
  ['embedding', (w) => embedding(w!, ids), [random([V, C])]],
  ['add (stock)', (a, b) => tf.add(a!, b!), [random([N, C]), random([N, C])]],
  ['matMul 1024x128x2048 NT', (a, b) => tf.matMul(a!, b!, false, true), [random([N, C]), random([V, C])]],
  ['matMul 1024x128x128 NT', (a, b) => tf.matMul(a!, b!, false, true), [random([N, C]), random([C, C])]],
];

/** Median CPU milliseconds of one call. */
function time(run: () => void): number {
  const times: number[] = [];
  for (let i = 0; i < repetitions + 3; i++) {
    const from = process.cpuUsage();
    tf.tidy(run);
    const used = process.cpuUsage(from);
    if (i >= 3) times.push((used.user + used.system) / 1000);
  }
  return times.sort((p, q) => p - q)[Math.floor(times.length / 2)] as number;
}

console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}; milliseconds: forward, forward with gradient`);
for (const [name, op, inputs] of differentiable) {
  const dy = tf.onesLike(tf.tidy(() => op(...inputs)));
  const forward = time(() => void op(...inputs));
  const both = time(() => void tf.grads((...xs: tf.Tensor[]) => op(...xs))(inputs, dy));
  console.log(`${name.padEnd(26)} ${forward.toFixed(2).padStart(8)} ${both.toFixed(2).padStart(8)}`);
}
const size = 1_500_000;
const [param, grad, m, v] = [random([size]), random([size]), tf.zeros([size]), tf.zeros([size])];
const gradScale = tf.scalar(1);
const settings = { learningRate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01, step: 1, gradScale };
console.log(`adamW of 1.5 M             ${time(() => adamWStep(param, grad, m, v, settings)).toFixed(2).padStart(8)}`);
console.log(`globalNorm of 1.5 M        ${time(() => void globalNorm([grad])).toFixed(2).padStart(8)}`);
