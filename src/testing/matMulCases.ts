/** Sizes that break matrix kernels, and the product in float64 to compare with. */
import { matMulForward } from '../kernels/matMul/matMul.cpu.ts';
import { matMulShapes } from '../kernels/matMul/matMul.ts';

export interface MatMulCase {
  a: number[];
  b: number[];
  transposeA: boolean;
  transposeB: boolean;
}

/** M, N, K: ones, primes, one below and above the tiles, long inner axes, one row (decoding). */
export const productSizes = [
  [1, 1, 1],
  [1, 2048, 128],
  [3, 5, 7],
  [4, 8, 4],
  [5, 9, 513],
  [8, 8, 8],
  [63, 65, 64],
  [64, 64, 64],
  [65, 63, 257],
  [257, 33, 3],
  [7, 4097, 5],
  [513, 40, 12],
  [40, 33, 2051],
] as const;

/** The sizes that choose different code on WebGPU, where each new choice is compiled. */
export const gpuSizes = productSizes.filter(([M, N, K]) => ![8, 257, 513, 40].includes(M) && K !== 513 && N !== 64);

/** Every transposition of every size, then batches: equal, repeated on either side, over a middle axis. */
export function matMulCases(of: readonly (readonly [number, number, number])[] = productSizes): MatMulCase[] {
  const cases: MatMulCase[] = [];
  for (const transposeA of [false, true])
    for (const transposeB of [false, true]) {
      const add = (batchA: number[], batchB: number[], M: number, N: number, K: number): void => {
        cases.push({ a: [...batchA, ...(transposeA ? [K, M] : [M, K])], b: [...batchB, ...(transposeB ? [N, K] : [K, N])], transposeA, transposeB });
      };
      for (const [M, N, K] of of) add([], [], M, N, K);
      add([3], [3], 16, 12, 20);
      add([1], [3], 5, 7, 9);
      add([2, 3], [], 9, 6, 4);
      add([], [4], 17, 8, 5);
      add([2, 1], [1, 3], 6, 10, 11);
      add([2, 1], [2, 3], 8, 4, 8);
    }
  return cases;
}

/** The product with every sum in float64. */
export function referenceMatMul(x: Float32Array, a: number[], y: Float32Array, b: number[], transposeA: boolean, transposeB: boolean): Float64Array {
  const { M, N, K, pairs } = matMulShapes(a, b, transposeA, transposeB);
  const out = new Float64Array(pairs.length * M * N);
  const [x64, y64] = [Float64Array.from(x), Float64Array.from(y)];
  pairs.forEach((p, i) => matMulForward(x64, p.a * M * K, y64, p.b * K * N, out, i * M * N, M, N, K, transposeA, transposeB));
  return out;
}
