/**
 * All matrix products of one pass of a model of SmolLM2-135M's shape, with weights in float32, f16 and bf16, interleaved: one token as in
 * decoding, few rows, and a prefill. Random weights; every layer has its own, so that they come from memory and not from a cache.
 * Run: npx tsx bench/packedProducts.bench.ts wasm|webgpu [repetitions] [layers] [threads]
 * (fused multiply-add: node --experimental-wasm-relaxed-simd --import tsx …)
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { toHalfBits } from '../src/base/halfFloat.ts';
import { Rng } from '../src/base/rng.ts';
import { openBackend } from '../src/device/openDevice.ts';
import { allocateTensor, writeTensorBytes } from '../src/kernels/deviceBuffer.ts';
import { tuneMatMul } from '../src/kernels/matMul/autotune.ts';
import { linear, matMul2d } from '../src/kernels/matMul/linear.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import type { Operand } from '../src/kernels/slice.ts';
import { openNodeGpu } from '../src/testing/nodeGpu.ts';

const storages = ['f32', 'f16', 'bf16'] as const;
type Storage = (typeof storages)[number];

const [backendName = 'wasm', repetitions = '5', layers = '30', threads = '1'] = process.argv.slice(2);
const gpu = backendName === 'webgpu' ? ((await openNodeGpu()) ?? undefined) : undefined;
await openBackend(backendName as 'wasm' | 'webgpu', { allowSoftwareAdapter: true, threads: Number(threads), ...(gpu ? { gpu } : {}) });
registerKernels(backendName as 'wasm' | 'webgpu');
if (gpu) await tuneMatMul();

const width = 576;
const layerShapes = [[576, 576], [192, 576], [192, 576], [576, 576], [1536, 576], [1536, 576], [576, 1536]] as const;
const headShape = [49152, 576] as const;

/** One megavalue of normal values, repeated: as half as float16 and cut off as bfloat16. */
const values = ((rng) => Float32Array.from({ length: 2 ** 20 }, () => 0.05 * rng.normal()))(new Rng(1));
const words = new Uint32Array(values.buffer);
const bits: Record<Storage, Uint8Array> = {
  f32: new Uint8Array(values.buffer),
  f16: new Uint8Array(Uint16Array.from(values, toHalfBits).buffer),
  bf16: new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer),
};

function weight(storage: Storage, [rows, columns]: readonly [number, number]): Operand {
  const sizeBytes = rows * columns * (storage === 'f32' ? 4 : 2);
  const slab = allocateTensor([sizeBytes / 4], storage === 'f32' ? 'float32' : 'int32');
  const source = bits[storage];
  for (let at = 0; at < sizeBytes; at += source.byteLength) writeTensorBytes(slab, at, source.subarray(0, Math.min(source.byteLength, sizeBytes - at)));
  return { slab, offset: 0, shape: [rows, columns], ...(storage === 'f32' ? {} : { storage }) };
}

const models = Object.fromEntries(
  storages.map((storage) => [storage, { layers: Array.from({ length: Number(layers) }, () => layerShapes.map((shape) => weight(storage, shape))), head: weight(storage, headShape) }]),
) as Record<Storage, { layers: Operand[][]; head: Operand }>;

async function pass(storage: Storage, rows: number): Promise<number> {
  const [x, wide] = [tf.ones([rows, width]), tf.ones([rows, 1536])];
  const model = models[storage];
  const from = performance.now();
  for (const layer of model.layers) for (const operand of layer) linear(operand.shape[1] === width ? x : wide, operand).dispose();
  const last = tf.ones([1, width]);
  const logits = matMul2d(last, model.head, { transposeB: true });
  await tf.tidy(() => tf.slice(logits, [0, 0], [1, 4])).data();
  const elapsedMs = performance.now() - from;
  tf.dispose([x, wide, last, logits]);
  return elapsedMs;
}

console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${backendName}, ${layers} layers, ${threads} threads`);
for (const rows of [1, 4, 32, 128]) {
  const times = Object.fromEntries(storages.map((storage) => [storage, [] as number[]])) as Record<Storage, number[]>;
  for (const storage of storages) await pass(storage, rows);
  for (let i = 0; i < Number(repetitions); i++) for (const storage of storages) times[storage].push(await pass(storage, rows));
  const cells = storages.map((storage) => {
    const sorted = times[storage].sort((a, b) => a - b);
    return `${storage} best ${sorted[0]!.toFixed(1)} median ${sorted[sorted.length >> 1]!.toFixed(1)} ms`;
  });
  console.log(`${String(rows).padStart(4)} rows: ${cells.join(' | ')}`);
}
process.exit(0);
