/**
 * Time of each row and element op beside the composition of stock tfjs ops it replaces (kernelCases.ts), interleaved in one process.
 * First checks that both sides compute the same. Milliseconds a call: median and best; and the ratio of the medians.
 * Run: npx tsx bench/kernels.bench.ts [wasm|webgpu] [rounds]
 */
import { cpus } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { openBackend } from '../src/device/openDevice.ts';
import { registerKernels } from '../src/kernels/registerKernels.ts';
import { assertAllClose } from '../src/testing/allclose.ts';
import { openNodeGpu } from '../src/testing/nodeGpu.ts';
import { type KernelCase, kernelCases } from './kernelCases.ts';

const backend = process.argv[2] === 'webgpu' ? 'webgpu' : 'wasm';
const rounds = Number(process.argv[3] ?? 15);
const callsPerRound = 8;

const gpu = backend === 'webgpu' ? await openNodeGpu() : null;
const opened = await openBackend(backend, { allowSoftwareAdapter: true, ...(gpu ? { gpu } : {}) });
registerKernels(backend);

/** Runs one side a few times and waits for the last value. @returns milliseconds a call */
async function time(run: () => tf.Tensor[], calls: number): Promise<number> {
  const from = performance.now();
  let last: tf.Tensor[] = [];
  for (let i = 0; i < calls; i++) {
    tf.dispose(last);
    last = tf.tidy(run);
  }
  await tf.tidy(() => tf.slice(tf.reshape(last.at(-1) as tf.Tensor, [-1]), 0, 1)).data();
  const elapsed = performance.now() - from;
  tf.dispose(last);
  return elapsed / calls;
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number;

async function assertSame({ name, ours, stock, stockError = 1e-4 }: KernelCase): Promise<void> {
  const tolerance = { rtol: stockError, atol: 2e-4, reason: 'sums of 512 float32 products in another order, other approximations of exp and erf' };
  // In place: the stock side must see the input before ours has rewritten it.
  const expected = tf.tidy(stock);
  const found = tf.tidy(ours);
  for (const [i, tensor] of expected.entries()) assertAllClose(await (found[i] as tf.Tensor).data(), await tensor.data(), tolerance, `${name}, result ${i}`);
  tf.dispose([...expected, ...found]);
}

console.log(`${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}, ${backend} ${opened.adapter ? JSON.stringify(opened.adapter) : ''}`);
console.log(`${''.padEnd(26)}      ours      best |    stock      best |   ratio`);
for (const kernelCase of kernelCases()) {
  await assertSame(kernelCase);
  const times = { ours: [] as number[], stock: [] as number[] };
  for (let round = 0; round < rounds + 2; round++)
    for (const side of ['ours', 'stock'] as const) {
      const elapsedMs = await time(kernelCase[side], callsPerRound);
      if (round >= 2) times[side].push(elapsedMs);
    }
  const cells = ([times.ours, times.stock] as const).map((values) => `${median(values).toFixed(3).padStart(9)} ${Math.min(...values).toFixed(3).padStart(9)}`);
  console.log(`${kernelCase.name.padEnd(26)} ${cells.join(' | ')} | ${(median(times.stock) / median(times.ours)).toFixed(1).padStart(6)}x`);
}
await opened.assertHealthy();
process.exit(0);
