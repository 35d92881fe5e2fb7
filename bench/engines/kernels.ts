/** Each kernel of ours beside the composition of stock ops that it replaces, and the loss's peak memory, in one process of our engine. */
import * as tf from '@tensorflow/tfjs-core';
import { assertAllClose } from '../../src/testing/allclose.ts';
import { type KernelCase, kernelCases } from '../kernelCases.ts';
import { lossPeakBytes } from '../lossMemory.ts';
import type { OpenEngine } from './engine.ts';
import { openOurs } from './openOurs.ts';

export interface KernelTimes {
  oursMs: number;
  stockMs: number;
}

/** Milliseconds a call of some calls in a row, with all their work done. */
async function time(run: () => tf.Tensor[], calls: number): Promise<number> {
  const started = performance.now();
  let last: tf.Tensor[] = [];
  for (let i = 0; i < calls; i++) {
    tf.dispose(last);
    last = tf.tidy(run);
  }
  const probe = tf.tidy(() => tf.slice(tf.reshape(last.at(-1)!, [-1]), 0, 1));
  await probe.data();
  const elapsedMs = (performance.now() - started) / calls;
  tf.dispose([probe, ...last]);
  return elapsedMs;
}

/** @throws Error where the two sides differ: then their times say nothing */
async function assertSame({ name, ours, stock, stockError = 1e-4 }: KernelCase): Promise<void> {
  // In place: stock must see the input before ours has rewritten it.
  const expected = tf.tidy(stock);
  const found = tf.tidy(ours);
  const tolerance = { rtol: stockError, atol: 2e-4, reason: 'float32 sums in another order' };
  for (const [i, tensor] of expected.entries()) assertAllClose(await found[i]!.data(), await tensor.data(), tolerance, `${name}, result ${i}`);
  tf.dispose([...expected, ...found]);
}

const open: OpenEngine<{ backend: 'webgpu' | 'wasm' }> = async ({ backend }) => {
  await openOurs(backend);
  let cases: Map<string, KernelCase> | null = null;
  return {
    list: () => Promise.resolve([...(cases ??= new Map(kernelCases().map((kernel) => [kernel.name, kernel]))).keys()]),
    check: (name: string) => assertSame(cases!.get(name)!),
    time: async ({ name, calls }: { name: string; calls: number }): Promise<KernelTimes> => {
      const { ours, stock } = cases!.get(name)!;
      return { oursMs: await time(ours, calls), stockMs: await time(stock, calls) };
    },
    lossPeak: () => Promise.resolve(lossPeakBytes()),
  };
};
export default open;
