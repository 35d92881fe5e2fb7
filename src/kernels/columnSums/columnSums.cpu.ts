/** CPU twin of addColumnSums. */
import type { Floats } from '../floats.ts';

/** into [N] += sums over the rows of x [R, N], each in float64 */
export function columnSums(x: Floats, into: Floats, R: number, N: number): void {
  const sums = new Float64Array(N);
  for (let row = 0; row < R; row++) for (let j = 0; j < N; j++) sums[j]! += x[row * N + j]!;
  for (let j = 0; j < N; j++) into[j]! += sums[j]!;
}
