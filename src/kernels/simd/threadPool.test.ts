import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../../device/openDevice.ts';
import { openTestBackend } from '../../testing/backend.ts';
import { matMul2d } from '../matMul/linear.ts';
import type { WasmHost } from '../wasmHost.ts';
import { openSimd, type Simd } from './openSimd.ts';
import { ThreadPool, type SimdKernel } from './threadPool.ts';
import { ThreadTuner } from './threadTuner.ts';

describe('the backend with two threads', () => {
  let opened: OpenedBackend;
  let simd: Simd;
  beforeAll(async () => {
    opened = await openTestBackend('wasm', 2);
    simd = openSimd(tf.backend() as unknown as WasmHost);
  });
  afterAll(() => opened.close());

  const random = (shape: number[], seed: number): tf.Tensor => tf.randomUniform(shape, -1, 1, 'float32', seed);

  it('has a shared heap and says how many threads there are', () => {
    expect((tf.backend() as unknown as WasmHost).wasm.asm.memory.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect([opened.threads, opened.oneThreadReason, simd.threads]).toEqual([2, null, 2]);
  });

  it('still runs the kernels of tfjs, and reads results into memory of their own', async () => {
    const y = tf.softmax(tf.tensor2d([[1, 2, 3], [1, 1, 1]]));
    const values = await y.data();
    expect(values.buffer).toBeInstanceOf(ArrayBuffer);
    expect(values[3]).toBeCloseTo(1 / 3, 6);
  });

  it('grows the heap between and under the helpers', async () => {
    const small = random([300, 200], 1);
    const bits = (values: unknown) => Buffer.from((values as Float32Array).buffer).toString('base64');
    const expected = bits(await matMul2d(small, small, { transposeB: true }).data());
    const { memory } = (tf.backend() as unknown as WasmHost).wasm.asm;
    const before = memory.buffer.byteLength;
    const big = Array.from({ length: 4 }, () => tf.ones([2048, 2048]));
    expect(memory.buffer.byteLength).toBeGreaterThan(before);
    // Operands, results and scratch beyond the old end of the heap.
    const product = await matMul2d(tf.slice(big[3]!, [0, 0], [2048, 64]), big[2]!, { transposeA: true }).data();
    expect(product.length).toBe(64 * 2048);
    expect(product.every((value) => value === 2048)).toBe(true);
    const again = random([300, 200], 1);
    for (let i = 0; i < 10; i++) expect(bits(await matMul2d(again, again, { transposeB: true }).data())).toBe(expected);
  });

  it('refuses unknown kernels and wrong numbers of arguments', () => {
    expect(() => simd.run('none', 1)).toThrow(/no SIMD kernel none/);
    expect(() => simd.run('gatedActivation', 1, 4)).toThrow(/takes 5 values, not 1/);
  });
});

/** A pool over an own memory with kernels written by hand, to see which chunks ran. */
describe('ThreadPool', () => {
  // (module (import "env" "memory" (memory 1 1 shared))
  //   (func (export "mark") (param chunk chunks at) store at + 4·chunk: its old value + 1)
  //   (func (export "trap") (param chunk chunks) chunk 0 is unreachable))
  const module = new WebAssembly.Module(
    Uint8Array.from([
      0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
      1, 12, 2, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 0x60, 2, 0x7f, 0x7f, 0,
      2, 16, 1, 3, 0x65, 0x6e, 0x76, 6, 0x6d, 0x65, 0x6d, 0x6f, 0x72, 0x79, 2, 3, 1, 1,
      3, 3, 2, 0, 1,
      7, 15, 2, 4, 0x6d, 0x61, 0x72, 0x6b, 0, 0, 4, 0x74, 0x72, 0x61, 0x70, 0, 1,
      10, 39, 2,
      27, 0, 0x20, 2, 0x20, 0, 0x41, 2, 0x74, 0x6a, 0x20, 2, 0x20, 0, 0x41, 2, 0x74, 0x6a, 0x28, 2, 0, 0x41, 1, 0x6a, 0x36, 2, 0, 0x0b,
      9, 0, 0x20, 0, 0x45, 0x04, 0x40, 0x00, 0x0b, 0x0b,
    ]),
  );
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Record<string, SimdKernel>;
  let pool: ThreadPool;
  beforeAll(async () => {
    pool = await ThreadPool.open(module, memory, kernels, 3);
  });
  afterAll(() => pool.close());

  it('runs every chunk of many jobs exactly once', () => {
    const marks = new Int32Array(memory.buffer, 0, 64);
    marks.fill(0);
    const expected = new Int32Array(64);
    for (let job = 0; job < 3000; job++) {
      const chunks = 1 + ((job * 7) % 64);
      pool.run(0, chunks, [0]);
      for (let i = 0; i < chunks; i++) expected[i]! += 1;
    }
    expect([...marks]).toEqual([...expected]);
  });

  it('throws when a chunk fails, whoever runs it, and goes on afterwards', () => {
    for (let i = 0; i < 50; i++) expect(() => pool.run(1, 40, [])).toThrow(/unreachable|failed on a helper/);
    const marks = new Int32Array(memory.buffer, 0, 8);
    marks.fill(0);
    pool.run(0, 8, [0]);
    expect([...marks]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('says so when a helper does not start', async () => {
    const larger = new WebAssembly.Memory({ initial: 1, maximum: 9, shared: true }); // than the module lets its memory be
    await expect(ThreadPool.open(module, larger, kernels, 2)).rejects.toMatchObject({ code: 'unsupported', message: expect.stringContaining('did not start') });
  });
});

describe('ThreadTuner', () => {
  it('keeps to the faster way, tries the other now and then, and changes its mind', () => {
    let time = 0;
    let sharedMs = 1;
    const counts = { shared: 0, alone: 0 };
    const tuner = new ThreadTuner(() => time);
    const run = (times: number) => {
      counts.shared = counts.alone = 0;
      for (let i = 0; i < times; i++) tuner.run('k', 1e6, () => { counts.shared++; time += sharedMs; }, () => { counts.alone++; time += 2; });
    };
    run(100);
    expect(counts.shared).toBeGreaterThan(85);
    expect(counts.alone).toBeGreaterThan(1);
    sharedMs = 8; // another program takes the other core
    run(10);
    run(100);
    expect(counts.alone).toBeGreaterThan(90);
    sharedMs = 1;
    run(300);
    run(100);
    expect(counts.shared).toBeGreaterThan(85);
  });
});
