// Blocks of columns of a matrix, as in columns.cpu.ts. Chunks share the rows.
import { addScaled, chunkStart } from './vector';

/** part [R, count] = scale * x[:, from : from + count] of x [R, W]. */
export function takeColumns(chunk: i32, chunks: i32, R: i32, W: i32, from: i32, count: i32, scale: f32, x: usize, part: usize): void {
  const bytes: usize = <usize>count * 4;
  const whole: usize = <usize>(count & ~3) * 4;
  const factor = f32x4.splat(scale);
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const source = x + (<usize>r * <usize>W + <usize>from) * 4;
    const to = part + <usize>r * bytes;
    if (scale == 1) {
      memory.copy(to, source, bytes);
      continue;
    }
    for (let o: usize = 0; o < whole; o += 16) v128.store(to + o, f32x4.mul(factor, v128.load(source + o)));
    for (let o = whole; o < bytes; o += 4) store<f32>(to + o, scale * load<f32>(source + o));
  }
}

/** into[:, from : from + count] += scale * part [R, count], of into [R, W]. */
export function addColumns(chunk: i32, chunks: i32, R: i32, W: i32, from: i32, count: i32, scale: f32, into: usize, part: usize): void {
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++)
    addScaled(into + (<usize>r * <usize>W + <usize>from) * 4, part + <usize>r * <usize>count * 4, scale, count);
}
