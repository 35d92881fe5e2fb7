// Sums over rows, as in columnSums.cpu.ts: the gradient of a bias. Chunks share the columns; each sum goes over the rows in their
// order, in blocks of 64 rows, so that long sums lose less.
import { chunkStart } from './vector';

/** Rows in one partial sum. */
const rowBlock: i32 = 64;

/** into[N] += sums over the R rows of x [R, N]. */
export function addColumnSums(chunk: i32, chunks: i32, R: i32, N: i32, x: usize, into: usize): void {
  const step: usize = <usize>N * 4;
  const groups = (N + 15) >> 4;
  const end = min(N, chunkStart(groups, chunk + 1, chunks) << 4);
  let j = chunkStart(groups, chunk, chunks) << 4;
  for (; j + 16 <= end; j += 16) {
    const to = into + <usize>j * 4;
    let row = x + <usize>j * 4;
    for (let first = 0; first < R; first += rowBlock) {
      const last = min(R, first + rowBlock);
      let s0 = f32x4.splat(0);
      let s1 = f32x4.splat(0);
      let s2 = f32x4.splat(0);
      let s3 = f32x4.splat(0);
      for (let r = first; r < last; r++) {
        s0 = f32x4.add(s0, v128.load(row));
        s1 = f32x4.add(s1, v128.load(row, 16));
        s2 = f32x4.add(s2, v128.load(row, 32));
        s3 = f32x4.add(s3, v128.load(row, 48));
        row += step;
      }
      v128.store(to, f32x4.add(v128.load(to), s0));
      v128.store(to, f32x4.add(v128.load(to, 16), s1), 16);
      v128.store(to, f32x4.add(v128.load(to, 32), s2), 32);
      v128.store(to, f32x4.add(v128.load(to, 48), s3), 48);
    }
  }
  for (; j < end; j++) {
    const to = into + <usize>j * 4;
    for (let first = 0; first < R; first += rowBlock) {
      const last = min(R, first + rowBlock);
      let sum: f32 = 0;
      for (let r = first; r < last; r++) sum += load<f32>(x + <usize>r * step + <usize>j * 4);
      store<f32>(to, load<f32>(to) + sum);
    }
  }
}
