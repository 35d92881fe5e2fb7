/** CPU twin of the linear ops: plain loops, every sum in float64. The engine runs the SIMD build instead. */
import type { Floats } from '../floats.ts';

/** Sizes of op(a) [M, K] · op(b) [K, N]; a transposed operand lies in memory the other way round. */
export interface ProductSizes {
  M: number;
  N: number;
  K: number;
  transposeA: boolean;
  transposeB: boolean;
}

/**
 * out [M, N] = op(a) · op(b) + bias + residual, or with `add` out += op(a) · op(b)
 * @param bias     [N] or null, added to every row
 * @param residual [M, N] or null
 */
export function productForward(a: Floats, b: Floats, out: Floats, { M, N, K, transposeA, transposeB }: ProductSizes, bias: Floats | null, residual: Floats | null, add = false): void {
  const [aRow, aColumn] = transposeA ? [1, M] : [K, 1];
  const [bRow, bColumn] = transposeB ? [1, K] : [N, 1];
  for (let i = 0; i < M; i++)
    for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let k = 0; k < K; k++) sum += a[i * aRow + k * aColumn]! * b[k * bRow + j * bColumn]!;
      const at = i * N + j;
      if (bias) sum += bias[j]!;
      if (residual) sum += residual[at]!;
      out[at] = add ? out[at]! + sum : sum;
    }
}
