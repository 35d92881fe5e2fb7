/**
 * Matrix products on our own kernels. They replace tfjs' 'BatchMatMul', so that tf.matMul and its gradients use them too
 * (the stock ones are wrong for transposed B with long inner axes on WebGPU, and scalar for transposed operands on WASM).
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import type { KernelSpec } from '../kernelSpec.ts';
import { simdMatMul } from '../simd/matMul.ts';
import { matMulForward } from './matMul.cpu.ts';
import { type MatMulGeometry, matMulProgram } from './matMul.webgpu.ts';

export interface MatMulShapes {
  M: number;
  N: number;
  K: number;
  /** Batch axes of the result. */
  batchShape: number[];
  /** For each result matrix, which matrix of a and of b it is made of. */
  pairs: { a: number; b: number }[];
}

/** Index of the matrix that batch position `index` of `shape` falls on in an operand whose batch axes are `operand` (size 1 repeats). */
function matrixIndex(index: number, shape: number[], operand: number[]): number {
  let rest = index;
  let stride = 1;
  let found = 0;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const position = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
    const own = axis - (shape.length - operand.length);
    if (own < 0) continue;
    found += (operand[own] === 1 ? 0 : position) * stride;
    stride *= operand[own]!;
  }
  return found;
}

/** Sizes and batch pairing of a product. @throws EngineError bad-shape if the operands do not fit */
export function matMulShapes(a: number[], b: number[], transposeA: boolean, transposeB: boolean): MatMulShapes {
  const K = a.at(transposeA ? -2 : -1);
  const M = a.at(transposeA ? -1 : -2);
  const N = b.at(transposeB ? -2 : -1);
  if (a.length < 2 || b.length < 2 || M === undefined || N === undefined || K === undefined || K !== b.at(transposeB ? -1 : -2))
    throw new EngineError('bad-shape', `matMul: [${a}]${transposeA ? ' transposed' : ''} times [${b}]${transposeB ? ' transposed' : ''} does not fit.`);
  const batchA = a.slice(0, -2);
  const batchB = b.slice(0, -2);
  const batchShape = tf.broadcast_util.assertAndGetBroadcastShape(batchA, batchB);
  const pairs = Array.from({ length: tf.util.sizeFromShape(batchShape) }, (_, i) => ({ a: matrixIndex(i, batchShape, batchA), b: matrixIndex(i, batchShape, batchB) }));
  return { M, N, K, batchShape, pairs };
}

/** Common step from one pair to the next, or null if there is none. */
function strideOf(indices: number[]): number | null {
  const step = indices.length > 1 ? indices[1]! - indices[0]! : 0;
  return indices.every((index, i) => index === indices[0]! + i * step) ? step : null;
}

/** One dispatch for a regular batch, one a matrix for a batch broadcast over a middle axis. */
function geometries({ M, N, K, pairs }: MatMulShapes, transposeA: boolean, transposeB: boolean): MatMulGeometry[] {
  const aStep = strideOf(pairs.map((p) => p.a));
  const bStep = strideOf(pairs.map((p) => p.b));
  const common = { M, N, K, transposeA, transposeB };
  if (aStep !== null && bStep !== null) return [{ ...common, batch: pairs.length, aStride: aStep * M * K, bStride: bStep * K * N, aOffset: 0, bOffset: 0, outOffset: 0 }];
  return pairs.map((p, i) => ({ ...common, batch: 1, aStride: 0, bStride: 0, aOffset: p.a * M * K, bOffset: p.b * K * N, outOffset: i * M * N }));
}

export const batchMatMulSpec: KernelSpec<'a' | 'b'> = {
  name: 'BatchMatMul',
  bareOutput: true,
  outputs: ({ a, b }, { transposeA, transposeB }) => {
    const { batchShape, M, N } = matMulShapes(a.shape, b.shape, Boolean(transposeA), Boolean(transposeB));
    return [{ shape: [...batchShape, M, N], dtype: 'float32' }];
  },
  host: ({ a, b }, { transposeA, transposeB }, [out]) => {
    const { M, N, K, pairs } = matMulShapes(a.shape, b.shape, Boolean(transposeA), Boolean(transposeB));
    pairs.forEach((p, i) => matMulForward(a.f32, p.a * M * K, b.f32, p.b * K * N, out!.f32, i * M * N, M, N, K, Boolean(transposeA), Boolean(transposeB)));
  },
  wasm: (simd, { a, b }, { transposeA, transposeB }, [out]) => {
    const { M, N, K, pairs } = matMulShapes(a.shape, b.shape, Boolean(transposeA), Boolean(transposeB));
    pairs.forEach((p, i) =>
      simdMatMul(simd, { M, N, K, transposeA: Boolean(transposeA), transposeB: Boolean(transposeB), a: a.at + p.a * M * K * 4, b: b.at + p.b * K * N * 4, out: out!.at + i * M * N * 4 }),
    );
  },
  webgpu: ({ a, b }, { transposeA, transposeB }, [out]) =>
    geometries(matMulShapes(a.shape, b.shape, Boolean(transposeA), Boolean(transposeB)), Boolean(transposeA), Boolean(transposeB)).map((g) => matMulProgram(a, b, out!, g)),
};

/**
 * op(a) · op(b) with batch broadcasting
 * @param a [..., M, K] float32 (or [..., K, M] transposed), borrowed
 * @param b [..., K, N] float32 (or [..., N, K] transposed), borrowed
 * @returns [..., M, N] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  matMulShapes(a.shape, b.shape, transposeA, transposeB);
  return tf.matMul(a, b, transposeA, transposeB);
}

/**
 * x · weightᵀ, as PyTorch's nn.Linear without bias
 * @param x      [..., Cin] float32, borrowed
 * @param weight [Cout, Cin] float32, borrowed
 * @returns      [..., Cout] float32, owned by the caller
 * @throws EngineError bad-shape
 */
export function linear(x: tf.Tensor, weight: tf.Tensor): tf.Tensor {
  assertTensor('linear', 'weight', weight, [null, x.shape.at(-1) ?? null]);
  const [outputSize, inputSize] = weight.shape as [number, number];
  const rows = x.rank === 2 ? x : tf.reshape(x, [-1, inputSize]);
  const y = tf.matMul(rows, weight, false, true);
  return x.rank === 2 ? y : tf.reshape(y, [...x.shape.slice(0, -1), outputSize]);
}
