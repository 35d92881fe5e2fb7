/** The SIMD matrix product as seen from JavaScript: strides and scratch for every transposition. */
import type { Simd } from './openSimd.ts';

/** Bytes of scratch for one chunk: an edge tile, and the panels of 512 rows of a and of all columns of b, 512 deep. */
function scratchBytes(M: number, N: number, K: number): number {
  const depth = Math.min(K, 512);
  return 192 + (Math.ceil(N / 8) * 8 + Math.ceil(Math.min(M, 512) / 4) * 4) * depth * 4;
}

/**
 * out [M, N] = op(a) · op(b), all dense float32 at addresses in the heap
 * @param a [M, K], or [K, M] when transposed
 * @param b [K, N], or [N, K] when transposed
 */
export function simdMatMul(simd: Simd, M: number, N: number, K: number, transposeA: boolean, transposeB: boolean, a: number, b: number, out: number): void {
  const [aRow, aColumn] = transposeA ? [4, M * 4] : [K * 4, 4];
  const [bRow, bColumn] = transposeB ? [4, K * 4] : [N * 4, 4];
  const chunks = simd.parallel(2 * M * N * K);
  const bytes = scratchBytes(M, N, K);
  simd.run('matMul', chunks, M, N, K, a, aRow, aColumn, b, bRow, bColumn, out, simd.scratch(bytes * chunks), bytes);
}
