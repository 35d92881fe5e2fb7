/** The linear ops and column sums, the same for every backend: odd sizes against sums in float64, slices as operands, adding in place. */
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { OpenedBackend } from '../device/openDevice.ts';
import { columnSums } from '../kernels/columnSums/columnSums.cpu.ts';
import { addColumnSums } from '../kernels/columnSums/columnSums.ts';
import { productForward } from '../kernels/matMul/linear.cpu.ts';
import { addLinearWeightGrad, addMatMul, linear, linearInputGrad, matMul2d, type WeightLayout } from '../kernels/matMul/linear.ts';
import { layOutSlices, type Slice } from '../kernels/slice.ts';
import { assertAllClose } from './allclose.ts';
import { dot, randomDoubles, randomFloats } from './arrays.ts';
import { sumOf } from './tolerances.ts';

const transposes = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
] as const;

const layouts: WeightLayout[] = ['outIn', 'inOut'];

interface Parts {
  bias?: Float32Array | null;
  residual?: Float32Array | null;
  /** Added to. */
  before?: Float32Array;
}

/** op(x) · op(y) and what is added to it, summed in float64. */
function product(x: Float32Array, y: Float32Array, [M, N, K]: readonly [number, number, number], [transposeA, transposeB]: readonly [boolean, boolean], { bias, residual, before }: Parts = {}): Float64Array {
  const out = before ? Float64Array.from(before) : new Float64Array(M * N);
  productForward(x, y, out, { M, N, K, transposeA, transposeB }, bias ?? null, residual ?? null, before !== undefined);
  return out;
}

/** A slab with random values around a slice of given ones. */
function inSlab(values: Float32Array, shape: number[]): { slice: Slice; slab: Float32Array } {
  const { offsets, size } = layOutSlices([[3], shape, [5]]);
  const slab = randomFloats(size, 99);
  slab.set(values, offsets[1]!);
  return { slice: { slab: tf.tensor1d(slab), offset: offsets[1]!, shape }, slab };
}

/**
 * @param open  opens the backend, which must be healthy after every test
 * @param sizes M, N, K
 * @param addedSizes those for adding in place
 */
export function describeLinear(backendName: string, open: () => Promise<OpenedBackend>, sizes: readonly (readonly [number, number, number])[], addedSizes = sizes): void {
  let backend: OpenedBackend;
  beforeAll(async () => {
    backend = await open();
  });
  afterEach(() => backend.assertHealthy());
  afterAll(() => backend.close());

  describe(`products of two matrices on ${backendName}`, () => {
    it.each(transposes)('equal a float64 product on odd sizes, with and without bias and residual (transposed: %s, %s)', async (transposeA, transposeB) => {
      for (const [index, [M, N, K]] of sizes.entries()) {
        const [withBias, withResidual] = [index % 3 > 0, index % 3 > 1];
        const [x, y, z, w] = [randomFloats(M * K, 1), randomFloats(K * N, 2), randomFloats(N, 3), randomFloats(M * N, 4)];
        const [a, b] = [tf.tensor2d(x, transposeA ? [K, M] : [M, K]), tf.tensor2d(y, transposeB ? [N, K] : [K, N])];
        const bias = withBias ? tf.tensor1d(z) : null;
        const residual = withResidual ? tf.tensor2d(w, [M, N]) : null;
        const out = matMul2d(a, b, { transposeA, transposeB, bias, residual });
        expect(out.shape).toEqual([M, N]);
        const expected = product(x, y, [M, N, K], [transposeA, transposeB], { bias: withBias ? z : null, residual: withResidual ? w : null });
        assertAllClose(await out.data(), expected, sumOf(K), `${M}x${N}x${K} bias ${withBias} residual ${withResidual}`);
        tf.dispose([a, b, out, ...(bias ? [bias] : []), ...(residual ? [residual] : [])]);
      }
    });

    it.each(transposes)('are added to a slice twice, reading slices, and leave the rest of the slab alone (transposed: %s, %s)', async (transposeA, transposeB) => {
      for (const [M, N, K] of addedSizes) {
        const [x, y, before] = [randomFloats(M * K, 5), randomFloats(K * N, 6), randomFloats(M * N, 7)];
        const { slice: a } = inSlab(x, transposeA ? [K, M] : [M, K]);
        const { slice: b } = inSlab(y, transposeB ? [N, K] : [K, N]);
        const { slice: into, slab } = inSlab(before, [M, N]);
        addMatMul(into, a, b, { transposeA, transposeB });
        addMatMul(into, a, b, { transposeA, transposeB });
        const once = product(x, y, [M, N, K], [transposeA, transposeB]);
        const expected = Float64Array.from(slab);
        once.forEach((value, i) => (expected[into.offset + i]! += 2 * value));
        assertAllClose(await into.slab.data(), expected, sumOf(2 * K), `${M}x${N}x${K}`);
        tf.dispose([a.slab, b.slab, into.slab]);
      }
    });

    it('refuse operands that do not fit, naming the shapes', () => {
      expect(() => matMul2d(tf.ones([2, 3]), tf.ones([4, 5]))).toThrow('[2,3] times [4,5]');
      expect(() => linear(tf.ones([2, 3]), tf.ones([5, 3]), { bias: tf.ones([4]) })).toThrow('bias has shape [4], expected [5]');
      expect(() => addMatMul(tf.ones([2, 4]), tf.ones([2, 3]), tf.ones([3, 5]))).toThrow('into has shape [2,4], expected [2,5]');
    });
  });

  describe(`linear on ${backendName}`, () => {
    const [R, C, F] = [13, 10, 18];
    it.each(layouts)('multiplies by a weight that lies %s, adds bias and residual from where they lie, and has the gradients of that', async (layout) => {
      const shape = layout === 'outIn' ? [F, C] : [C, F];
      const [x, w, z, r, g] = [randomFloats(R * C, 1), randomFloats(C * F, 2), randomFloats(F, 3), randomFloats(R * F, 4), randomFloats(R * F, 5)];
      const { slice: weight } = inSlab(w, shape);
      const { slice: bias } = inSlab(z, [F]);
      const [xs, residual, gradY] = [tf.tensor2d(x, [R, C]), tf.tensor2d(r, [R, F]), tf.tensor2d(g, [R, F])];
      const y = linear(xs, weight, { bias, residual, layout });
      assertAllClose(await y.data(), product(x, w, [R, F, C], [false, layout === 'outIn'], { bias: z, residual: r }), sumOf(C), 'y');
      const gradX = linearInputGrad(gradY, weight, layout);
      assertAllClose(await gradX.data(), product(g, w, [R, C, F], [false, layout === 'inOut']), sumOf(F), 'gradient of x');
      const before = randomFloats(C * F, 6);
      const { slice: gradWeight } = inSlab(before, shape);
      addLinearWeightGrad(gradY, xs, gradWeight, layout);
      const expected = layout === 'outIn' ? product(g, x, [F, C, R], [true, false], { before }) : product(x, g, [C, F, R], [true, false], { before });
      assertAllClose((await gradWeight.slab.data()).subarray(gradWeight.offset, gradWeight.offset + C * F), expected, sumOf(R), 'gradient of the weight');
      tf.dispose([weight.slab, bias.slab, xs, residual, gradY, y, gradX, gradWeight.slab]);
    });
  });

  it(`column sums are added in place on ${backendName}`, async () => {
    for (const [R, N] of [[1, 1], [7, 33], [8, 16], [129, 17], [1000, 5]] as const) {
      const [x, before] = [randomFloats(R * N, 1), randomFloats(N, 2)];
      const { slice: into, slab } = inSlab(before, [N]);
      const gradY = tf.tensor2d(x, [R, N]);
      addColumnSums(gradY, into);
      addColumnSums(gradY, into);
      const expected = Float64Array.from(slab);
      const sums = expected.subarray(into.offset, into.offset + N);
      columnSums(x, sums, R, N);
      columnSums(x, sums, R, N);
      assertAllClose(await into.slab.data(), expected, sumOf(2 * R), `[${R},${N}]`);
      tf.dispose([gradY, into.slab]);
    }
  });
}

/** Checks the twin itself: a product's gradients, as `linear` states them, against central differences in float64. */
export function describeLinearGradients(check: (f: () => number, at: Float64Array, gradient: Float64Array, what: string) => void): void {
  it.each(layouts)('the gradients of a linear layer whose weight lies %s are those of its twin', (layout) => {
    const [R, C, F] = [3, 4, 5];
    const [x, w, z, g] = [randomDoubles(R * C, 1), randomDoubles(C * F, 2), randomDoubles(F, 3), randomDoubles(R * F, 4)];
    const out = new Float64Array(R * F);
    const f = (): number => {
      productForward(x, w, out, { M: R, N: F, K: C, transposeA: false, transposeB: layout === 'outIn' }, z, null);
      return dot(out, g);
    };
    const gradX = new Float64Array(R * C);
    productForward(g, w, gradX, { M: R, N: C, K: F, transposeA: false, transposeB: layout === 'inOut' }, null, null);
    check(f, x, gradX, 'x');
    const gradWeight = new Float64Array(C * F);
    if (layout === 'outIn') productForward(g, x, gradWeight, { M: F, N: C, K: R, transposeA: true, transposeB: false }, null, null);
    else productForward(x, g, gradWeight, { M: C, N: F, K: R, transposeA: true, transposeB: false }, null, null);
    check(f, w, gradWeight, 'weight');
    const gradBias = new Float64Array(F);
    columnSums(g, gradBias, R, F);
    check(f, z, gradBias, 'bias');
  });
}
