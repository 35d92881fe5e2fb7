/**
 * GFLOP/s of the matrix product on WASM for the shapes of a training step, ours and stock tfjs, interleaved; medians of CPU time,
 * which is fair on a busy machine.
 * Run: npx tsx bench/matMul.bench.ts [repetitions]   (fused multiply-add: node --experimental-wasm-relaxed-simd --import tsx …)
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../src/device/openDevice.ts';
import { matMul2d } from '../src/kernels/matMul/linear.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import { openSimd } from '../src/kernels/simd/openSimd.ts';
import type { WasmHost } from '../src/kernels/wasmHost.ts';

const shapes = [
  { name: 'projection 1024x128x128', M: 1024, K: 128, N: 128 },
  { name: 'MLP up     1024x128x512', M: 1024, K: 128, N: 512 },
  { name: 'MLP down   1024x512x128', M: 1024, K: 512, N: 128 },
  { name: 'LM head    256x128x2048', M: 256, K: 128, N: 2048 },
  { name: 'decoding   50x128x128', M: 50, K: 128, N: 128 },
  { name: 'one row    1x128x2048', M: 1, K: 128, N: 2048 },
];
const transposes = [
  { name: 'NN', a: false, b: false },
  { name: 'NT', a: false, b: true },
  { name: 'TN', a: true, b: false },
] as const;

const repetitions = Number(process.argv[2] ?? 9);
const median = (values: number[]): number => values.sort((p, q) => p - q)[Math.floor(values.length / 2)] as number;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

await openBackend('wasm', { allowSoftwareAdapter: false });
const stock = tf.getKernel('BatchMatMul', 'wasm');
stock.setupFunc?.(tf.backend());
registerKernels('wasm');
console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, fused multiply-add: ${openSimd(tf.backend() as unknown as WasmHost).relaxed}`);

for (const { name, M, K, N } of shapes) {
  for (const transpose of transposes) {
    const a = tf.randomNormal(transpose.a ? [K, M] : [M, K]);
    const b = tf.randomNormal(transpose.b ? [N, K] : [K, N]);
    const inner = Math.max(1, Math.round(2e8 / (M * K * N)));
    const timeOurs = (): number => {
      const from = cpuMs();
      for (let i = 0; i < inner; i++) matMul2d(a, b, { transposeA: transpose.a, transposeB: transpose.b }).dispose();
      return (cpuMs() - from) / inner;
    };
    const timeStock = (): number => {
      const from = cpuMs();
      const out = stock.kernelFunc({ inputs: { a, b }, attrs: { transposeA: transpose.a, transposeB: transpose.b }, backend: tf.backend() });
      const elapsedMs = cpuMs() - from;
      tf.backend().disposeData((out as tf.TensorInfo).dataId);
      return elapsedMs;
    };
    const ours: number[] = [];
    const theirs: number[] = [];
    for (let i = 0; i < repetitions; i++) {
      ours.push(timeOurs());
      theirs.push(timeStock());
    }
    const rate = (ms: number): string => ((2 * M * K * N) / ms / 1e6).toFixed(1).padStart(6);
    console.log(`${name.padEnd(26)} ${transpose.name}  ours ${rate(median(ours))} GFLOP/s  stock ${rate(median(theirs))} GFLOP/s`);
    tf.dispose([a, b]);
  }
}
