import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import type { WasmHost } from '../wasmHost.ts';
import { simdMatMul } from './matMul.ts';
import { openSimd, type Simd } from './openSimd.ts';

// Every kernel and every ragged edge: few rows against [N, K] and [K, N], more rows than columns and fewer, cuts of a long inner axis,
// more rows and columns than a block.
const sizes = [
  [1, 37, 130], [3, 5, 7], [4, 64, 32], [6, 9, 1], [16, 21, 600],
  [17, 8, 33], [29, 70, 3], [70, 29, 600], [64, 64, 64], [300, 270, 5], [270, 300, 5], [33, 600, 530],
] as const;

describe('the SIMD matrix product', () => {
  let opened: OpenedBackend;
  let simd: Simd;
  let backend: WasmHost;
  beforeAll(async () => {
    opened = await openTestBackend('wasm');
    backend = tf.backend() as unknown as WasmHost;
    simd = openSimd(backend);
  });
  afterAll(() => opened.close());

  const at = (tensor: tf.Tensor): number => backend.getMemoryOffset(tensor.dataId);
  const random = (shape: number[], seed: number): tf.Tensor => tf.randomUniform(shape, -1, 1, 'float32', seed);

  /** The product of chunks that number `chunks` whatever the work, with everything fused in. */
  function product([M, N, K]: readonly [number, number, number], transposeA: boolean, transposeB: boolean, chunks: number): Float32Array {
    return tf.tidy(() => {
      const a = random(transposeA ? [K, M] : [M, K], 1);
      const b = random(transposeB ? [N, K] : [K, N], 2);
      const bias = random([N], 3);
      const addend = random([M, N], 4);
      // Scratch may move the heap but not the tensors, whose addresses are taken here.
      const out = tf.fill([M, N], NaN);
      simdMatMul({ ...simd, parallel: () => chunks }, { M, N, K, transposeA, transposeB, a: at(a), b: at(b), out: at(out), bias: at(bias), addend: at(addend) });
      const values = out.dataSync() as Float32Array;
      if (chunks === 1) {
        const [p, q, r, s] = [a, b, bias, addend].map((t) => t.dataSync());
        for (let i = 0; i < M; i++)
          for (let j = 0; j < N; j++) {
            let sum = r![j]! + s![i * N + j]!;
            for (let k = 0; k < K; k++) sum += p![transposeA ? k * M + i : i * K + k]! * q![transposeB ? j * K + k : k * N + j]!;
            if (!(Math.abs(values[i * N + j]! - sum) < 4e-6 * Math.sqrt(K) + 1e-6)) throw new Error(`[${M}, ${N}, ${K}] at ${i}, ${j}: ${values[i * N + j]}, expected ${sum}`);
          }
      }
      return values;
    });
  }

  for (const transposeA of [false, true])
    for (const transposeB of [false, true])
      it(`is right, and the same to the bit for every number of chunks (transposed: ${transposeA}, ${transposeB})`, () => {
        for (const size of sizes) {
          const bits = (chunks: number) => Buffer.from(product(size, transposeA, transposeB, chunks).buffer).toString('base64');
          const whole = bits(1);
          for (const chunks of [2, 3, 8, 50]) expect(bits(chunks) === whole, `[${size}] in ${chunks} chunks`).toBe(true);
        }
      });
});
