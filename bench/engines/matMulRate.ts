/** The rate of our matrix product on the products of workload S, best of shapes and transpositions. Not the product itself. */
import * as tf from '@tensorflow/tfjs-core';
import { matMul2d } from '../../src/kernels/matMul/linear.ts';
import { gpt2Size, tokensPerStep } from '../gpt2Step.ts';

/** GFLOP/s of one product, by name; each the better of two timings of about `targetMs`. */
export interface MatMulRates {
  rates: Record<string, number>;
}

const { hiddenSize: C, vocabSize: V } = gpt2Size;
const R = tokensPerStep;
const products = [
  { name: `${R}x${C}x${V} NT`, M: R, K: C, N: V, transposeA: false, transposeB: true },
  { name: `${R}x${V}x${C} NN`, M: R, K: V, N: C, transposeA: false, transposeB: false },
  { name: `${V}x${R}x${C} TN`, M: V, K: R, N: C, transposeA: true, transposeB: false },
  { name: `${R}x${C}x${4 * C} NN`, M: R, K: C, N: 4 * C, transposeA: false, transposeB: false },
  { name: `${R}x${4 * C}x${C} NT`, M: R, K: 4 * C, N: C, transposeA: false, transposeB: true },
  { name: `${C}x${R}x${4 * C} TN`, M: C, K: R, N: 4 * C, transposeA: true, transposeB: false },
];
const targetMs = 60;

interface Prepared {
  name: string;
  flops: number;
  repetitions: number;
  run(): tf.Tensor;
}
let prepared: Prepared[] | null = null;

/** Milliseconds of `repetitions` products with all their work done. */
async function time({ run }: Prepared, repetitions: number): Promise<number> {
  const started = performance.now();
  for (let i = 0; i < repetitions - 1; i++) run().dispose();
  const last = run();
  // One value read back says that the queue is empty; reading the whole result would be timed too.
  const probe = tf.tidy(() => tf.slice(last, [0, 0], [1, 1]));
  await probe.data();
  const elapsedMs = performance.now() - started;
  tf.dispose([last, probe]);
  return elapsedMs;
}

async function prepare(): Promise<Prepared[]> {
  const all = products.map(({ name, M, K, N, transposeA, transposeB }) => {
    const a = tf.randomNormal(transposeA ? [K, M] : [M, K], 0, 1, 'float32', 1);
    const b = tf.randomNormal(transposeB ? [N, K] : [K, N], 0, 1, 'float32', 2);
    return { name, flops: 2 * M * K * N, repetitions: 1, run: () => matMul2d(a, b, { transposeA, transposeB }) };
  });
  for (const product of all) {
    await time(product, 2); // compiles
    product.repetitions = Math.max(2, Math.min(200, Math.ceil((2 * targetMs) / (await time(product, 2)))));
  }
  return all;
}

/** One timing of every product. The operands stay on the device for the next call. */
export async function measureMatMul(): Promise<MatMulRates> {
  prepared ??= await prepare();
  const rates: Record<string, number> = {};
  for (const product of prepared) {
    const elapsedMs = Math.min(await time(product, product.repetitions), await time(product, product.repetitions));
    rates[product.name] = (product.flops * product.repetitions) / elapsedMs / 1e6;
  }
  return { rates };
}
