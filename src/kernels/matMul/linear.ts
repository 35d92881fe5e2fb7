/**
 * Products of two matrices with what a linear layer needs fused into the store: bias, residual, or adding to a gradient in place.
 * Explicit forward and gradient functions, no tape. Batches of matrices are not for here (matMul.ts).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertSoleOwner } from '../assertSoleOwner.ts';
import { rowsOfBinding, windowsOf } from '../bindingLimit.ts';
import { type Attributes, type KernelSpec, type KernelTensor, runKernel } from '../kernelSpec.ts';
import { simdMatMul } from '../simd/matMul.ts';
import { bytesPerValue, isSlice, type Operand, type Slice, tensorOf } from '../slice.ts';
import { type ProductSizes, productForward } from './linear.cpu.ts';
import { linearPrograms } from './linear.webgpu.ts';

/** How a weight lies in memory: [out, in] as PyTorch's nn.Linear, or [in, out] as GPT-2's Conv1D. */
export type WeightLayout = 'outIn' | 'inOut';

export interface MatMulOptions {
  /** a is [K, M]. */
  transposeA?: boolean;
  /** b is [N, K]. */
  transposeB?: boolean;
}

type Shaped = Pick<KernelTensor, 'shape'>;

/** @throws EngineError bad-shape if the operands do not fit together */
function sizesOf(a: Shaped, b: Shaped, { transposeA, transposeB }: Attributes): ProductSizes {
  const [aRows, aColumns] = a.shape as [number, number];
  const [bRows, bColumns] = b.shape as [number, number];
  const [M, K] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, N] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  if (a.shape.length !== 2 || b.shape.length !== 2 || K !== inner)
    throw new EngineError('bad-shape', `matMul2d: [${a.shape}]${transposeA ? ' transposed' : ''} times [${b.shape}]${transposeB ? ' transposed' : ''} does not fit.`);
  return { M, N, K, transposeA: Boolean(transposeA), transposeB: Boolean(transposeB) };
}

function assertSizes(name: string, { shape }: Shaped, expected: number[]): void {
  if (shape.length !== expected.length || shape.some((size, i) => size !== expected[i])) throw new EngineError('bad-shape', `matMul2d: ${name} has shape [${shape}], expected [${expected}].`);
}

type Fused = 'a' | 'b' | 'bias' | 'residual';

/** Inputs that may be left out: bias [N] and residual [M, N]. */
export const matMul2dSpec: KernelSpec<Fused> = {
  name: 'SidestepMatMul',
  packed: ['b'],
  outputs: ({ a, b }, attributes) => {
    const { M, N } = sizesOf(a, b, attributes);
    return [{ shape: [M, N], dtype: 'float32' }];
  },
  host: ({ a, b, bias, residual }: Partial<Record<Fused, { shape: number[]; f32: Float32Array }>>, attributes, [out]) =>
    productForward(a!.f32, b!.f32, out!.f32, sizesOf(a!, b!, attributes), bias?.f32 ?? null, residual?.f32 ?? null),
  wasm: (simd, inputs, attributes, [out]) => {
    const { a, b } = inputs;
    const { bias, residual } = inputs as Partial<typeof inputs>;
    simdMatMul(simd, { ...sizesOf(a, b, attributes), a: a.at, b: b.at, storageB: b.storage, out: out!.at, bias: bias?.at, addend: residual?.at });
  },
  webgpu: (inputs, attributes, [out]) => linearPrograms(inputs, out!, sizesOf(inputs.a, inputs.b, attributes), false),
};

export const addMatMulSpec: KernelSpec<'into' | 'a' | 'b'> = {
  name: 'SidestepMatMulAdd',
  inPlace: ['into'],
  packed: ['b'],
  outputs: () => [],
  host: ({ into, a, b }, attributes) => productForward(a.f32, b.f32, into.f32, sizesOf(a, b, attributes), null, null, true),
  wasm: (simd, { into, a, b }, attributes) => simdMatMul(simd, { ...sizesOf(a, b, attributes), a: a.at, b: b.at, storageB: b.storage, out: into.at, addend: into.at }),
  webgpu: ({ into, a, b }, attributes) => linearPrograms({ a, b }, into, sizesOf(a, b, attributes), true),
};

/**
 * op(a) · op(b) + bias + residual
 * @param a [M, K] float32 (or [K, M] with transposeA), borrowed
 * @param b [K, N] float32 or packed (or [N, K] with transposeB), borrowed
 * @param options bias [N] is added to every row, residual [M, N] to the result; both borrowed
 * @returns [M, N] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function matMul2d(a: Operand, b: Operand, options: MatMulOptions & { bias?: Operand | null; residual?: tf.Tensor | null } = {}): tf.Tensor {
  const { transposeA = false, transposeB = false, bias, residual } = options;
  const { M, N, K } = sizesOf(a, b, { transposeA, transposeB });
  const inputs: Record<string, Operand> = { a, b };
  if (bias) {
    assertSizes('bias', bias, [N]);
    inputs.bias = bias;
  }
  if (residual) {
    assertSizes('residual', residual, [M, N]);
    inputs.residual = residual;
  }
  if (transposeB && N > rowsOfBinding(bytesPerValue(b) * K)) return byWindows(a, b, options);
  return runKernel(matMul2dSpec.name, inputs, { transposeA, transposeB })[0] as tf.Tensor;
}

/** The product with a b [N, K] of more rows than a program may see at once: as many products side by side. Without bias and residual. */
function byWindows(a: Operand, b: Operand, { transposeA = false, bias, residual }: Parameters<typeof matMul2d>[2] & {}): tf.Tensor {
  if (bias || residual) throw new EngineError('unsupported', `matMul2d: b [${b.shape}] is too large for a binding of this GPU, and only products without bias and residual are cut.`);
  const parts = windowsOf({ ...(isSlice(b) ? b : { offset: 0 }), dataId: tensorOf(b).dataId, dtype: tensorOf(b).dtype, shape: b.shape }).map(({ rows }) =>
    matMul2d(a, { slab: tensorOf(b), offset: rows.offset!, shape: rows.shape, ...(rows.storage ? { storage: rows.storage } : {}) }, { transposeA, transposeB: true }),
  );
  const out = tf.concat(parts, 1);
  tf.dispose(parts);
  return out;
}

/**
 * into += op(a) · op(b)
 * @param into [M, N] float32, rewritten in place; its storage must hold neither a nor b
 * @param a    [M, K] float32 (or [K, M] with transposeA), borrowed
 * @param b    [K, N] float32 or packed (or [N, K] with transposeB), borrowed
 * @throws EngineError bad-shape
 */
export function addMatMul(into: Operand, a: Operand, b: Operand, { transposeA = false, transposeB = false }: MatMulOptions = {}): void {
  const { M, N } = sizesOf(a, b, { transposeA, transposeB });
  assertSizes('into', into, [M, N]);
  assertSoleOwner('addMatMul', 'into', tensorOf(into));
  runKernel(addMatMulSpec.name, { into, a, b }, { transposeA, transposeB });
}

/**
 * x · weightᵀ + bias + residual, as PyTorch's nn.Linear; with layout 'inOut' x · weight, as Hugging Face's Conv1D
 * @param x      [R, in] float32, borrowed
 * @param weight [out, in] ('outIn') or [in, out] ('inOut') float32 or packed, borrowed
 * @param options bias [out] and residual [R, out], borrowed
 * @returns      [R, out] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function linear(x: tf.Tensor, weight: Operand, options: { bias?: Operand | null; residual?: tf.Tensor | null; layout?: WeightLayout } = {}): tf.Tensor {
  const { layout = 'outIn', bias, residual } = options;
  return matMul2d(x, weight, { transposeB: layout === 'outIn', bias, residual });
}

/**
 * Gradient of `linear` with respect to x
 * @param gradY  [R, out] float32, borrowed
 * @param weight as given to `linear`, borrowed
 * @returns      [R, in] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function linearInputGrad(gradY: tf.Tensor, weight: Operand, layout: WeightLayout = 'outIn'): tf.Tensor {
  return matMul2d(gradY, weight, { transposeB: layout === 'inOut' });
}

/**
 * Adds the gradient of `linear` with respect to its weight.
 * @param gradY      [R, out] float32, borrowed
 * @param x          [R, in] float32 as given to `linear`, borrowed
 * @param gradWeight of the weight's shape, rewritten in place
 * @throws EngineError bad-shape
 */
export function addLinearWeightGrad(gradY: tf.Tensor, x: tf.Tensor, gradWeight: Slice, layout: WeightLayout = 'outIn'): void {
  if (layout === 'outIn') addMatMul(gradWeight, gradY, x, { transposeA: true });
  else addMatMul(gradWeight, x, gradY, { transposeA: true });
}
