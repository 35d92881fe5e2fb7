/** CPU twin of matMul for one pair of matrices; plain loops in cache-friendly order. The engine runs the SIMD build instead. */
import type { Floats } from '../floats.ts';

/**
 * out[M, N] = op(a) · op(b); a is [M, K] or, transposed, [K, M]; b is [K, N] or, transposed, [N, K]. out is overwritten.
 * Offsets choose one matrix of a batch.
 */
export function matMulForward(a: Floats, aOffset: number, b: Floats, bOffset: number, out: Floats, outOffset: number, M: number, N: number, K: number, transposeA: boolean, transposeB: boolean): void {
  const aRow = transposeA ? 1 : K;
  const aColumn = transposeA ? M : 1;
  for (let i = 0; i < M; i++) {
    const o = outOffset + i * N;
    if (transposeB) {
      for (let j = 0; j < N; j++) {
        let sum = 0;
        for (let k = 0; k < K; k++) sum += a[aOffset + i * aRow + k * aColumn]! * b[bOffset + j * K + k]!;
        out[o + j] = sum;
      }
    } else {
      out.fill(0, o, o + N);
      for (let k = 0; k < K; k++) {
        const x = a[aOffset + i * aRow + k * aColumn]!;
        const row = bOffset + k * N;
        for (let j = 0; j < N; j++) out[o + j]! += x * b[row + j]!;
      }
    }
  }
}
