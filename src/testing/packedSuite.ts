/** Kernels on packed weights, the same for every backend: the same bits as with the float32 values that the packed ones stand for. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { addMatMul, linear, linearInputGrad, matMul2d } from '../kernels/matMul/linear.ts';
import type { Operand } from '../kernels/slice.ts';
import { randomFloats } from './arrays.ts';
import { bitsOf, decodedTensor, type PackedExample, packedSlice, packedStorages } from './packed.ts';

type ProductSizes = readonly (readonly [M: number, N: number, K: number])[];

/** Runs the same work on packed and on decoded operands. */
async function expectSameBits(example: PackedExample, what: string, work: (operand: Operand) => tf.Tensor): Promise<void> {
  const decoded = decodedTensor(example);
  const [packed, expected] = [work(example.slice), work(decoded)];
  const [found, wanted] = [bitsOf((await packed.data()) as Float32Array), bitsOf((await expected.data()) as Float32Array)];
  const at = found.findIndex((bits, i) => bits !== wanted[i]);
  expect(at < 0 ? 'the same bits' : `value ${at} is ${(await packed.data())[at]}, expected ${(await expected.data())[at]}`, what).toBe('the same bits');
  tf.dispose([decoded, packed, expected]);
}

/** Values whose half-precision forms are subnormal, zero of both signs, large and ordinary. */
export function mixedFloats(size: number, seed: number): Float32Array {
  return randomFloats(size, seed).map((value, i) => (i % 17 === 3 ? value * 1e-5 : i % 23 === 5 ? -0 : i % 29 === 7 ? value * 1e3 : value));
}

/**
 * @param open  opens the backend, which must be healthy after every test
 * @param each  runs what it is given once for every version of the product, naming it, with the sizes M, N, K to try
 */
export function describePackedProducts(backendName: string, open: () => Promise<OpenedBackend>, each: (run: (version: string, sizes: ProductSizes) => Promise<void>) => Promise<void>): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  describe.each(packedStorages)(`products with packed weights (%s) on ${backendName}`, (storage) => {
    it.each([false, true])('have the bits of products with the decoded weights (transposed: %s)', async (transposeB) => {
      await each(async (version, sizes) => {
        for (const [index, [M, N, K]] of sizes.entries()) {
          const a = tf.tensor(randomFloats(M * K, 1), [M, K]);
          const example = packedSlice(mixedFloats(N * K, 2), transposeB ? [N, K] : [K, N], storage);
          const bias = index % 3 > 0 ? tf.tensor1d(randomFloats(N, 3)) : null;
          const residual = index % 3 > 1 ? tf.tensor2d(randomFloats(M * N, 4), [M, N]) : null;
          await expectSameBits(example, `${version} ${M}x${N}x${K}`, (b) => matMul2d(a, b, { transposeB, bias, residual }));
          tf.dispose([a, example.slice.slab, ...(bias ? [bias] : []), ...(residual ? [residual] : [])]);
        }
      });
    });

    it('are added to what is there with the same bits, also to a transposed product', async () => {
      const [M, N, K] = [7, 20, 33];
      for (const transposeA of [false, true]) {
        const a = tf.tensor(randomFloats(M * K, 1), transposeA ? [K, M] : [M, K]);
        const example = packedSlice(mixedFloats(N * K, 2), [N, K], storage);
        await expectSameBits(example, 'added', (b) => {
          const into = tf.tensor(randomFloats(M * N, 5), [M, N]);
          addMatMul(into, a, b, { transposeA, transposeB: true });
          return into;
        });
        tf.dispose([a, example.slice.slab]);
      }
    });

    it('are taken by linear layers and their gradients in both layouts, and by nothing that would read their bits as numbers', async () => {
      const [R, C, F] = [5, 12, 20];
      const [x, gradY] = [tf.tensor2d(randomFloats(R * C, 1), [R, C]), tf.tensor2d(randomFloats(R * F, 2), [R, F])];
      for (const layout of ['outIn', 'inOut'] as const) {
        const example = packedSlice(mixedFloats(C * F, 3), layout === 'outIn' ? [F, C] : [C, F], storage);
        await expectSameBits(example, `linear ${layout}`, (weight) => linear(x, weight, { layout }));
        await expectSameBits(example, `input gradient ${layout}`, (weight) => linearInputGrad(gradY, weight, layout));
        const { slice } = example;
        expect(() => matMul2d(slice, x, { transposeA: true, transposeB: layout === 'outIn' })).toThrow(/a is packed as|does not fit/);
        expect(() => linear(x, slice, { layout, bias: { slab: slice.slab, offset: 0, shape: [F], storage } })).toThrow(`bias is packed as ${storage}`);
        slice.slab.dispose();
      }
      tf.dispose([x, gradY]);
    });
  });
}
