// Whole rows by index, as in embedding.cpu.ts. Indices were checked by the caller.
import { bytesOf, decode, loadAny } from './packed';
import { chunkStart } from './vector';

/** out[r] = scale · table[ids[r]] + positionTable[positions[r]]; without positions both are 0. N rows of C. */
export function embedTokens(chunk: i32, chunks: i32, N: i32, C: i32, table: usize, storage: i32, ids: usize, scale: f32, positionTable: usize, positionStorage: i32, positions: usize, out: usize): void {
  const tableBytes: usize = <usize>C * bytesOf(storage);
  const factor = f32x4.splat(scale);
  const rowBytes: usize = <usize>C * 4;
  const whole: usize = <usize>(C & ~3) * 4;
  const last = chunkStart(N, chunk + 1, chunks);
  for (let r = chunkStart(N, chunk, chunks); r < last; r++) {
    const to = out + <usize>r * rowBytes;
    decode(storage, table + <usize>load<i32>(ids + <usize>r * 4) * tableBytes, C, to);
    if (scale != 1) {
      for (let o: usize = 0; o < whole; o += 16) v128.store(to + o, f32x4.mul(v128.load(to + o), factor));
      for (let o = whole; o < rowBytes; o += 4) store<f32>(to + o, load<f32>(to + o) * scale);
    }
    if (positionTable == 0) continue;
    const bytes = bytesOf(positionStorage);
    const position = positionTable + <usize>(load<i32>(positions + <usize>r * 4) * C) * bytes;
    for (let c = 0; c < C; c++) store<f32>(to + <usize>c * 4, load<f32>(to + <usize>c * 4) + loadAny(positionStorage, position + <usize>c * bytes));
  }
}

/** into[ids[r]] += scale · gradX[r] in row order. Chunks share the columns, because rows may add to the same place. */
export function addEmbeddingGrad(chunk: i32, chunks: i32, N: i32, C: i32, gradX: usize, ids: usize, scale: f32, into: usize): void {
  const factor = f32x4.splat(scale);
  const rowBytes: usize = <usize>C * 4;
  const vectors = C >> 2;
  const begin: usize = <usize>chunkStart(vectors, chunk, chunks) * 16;
  const whole: usize = <usize>chunkStart(vectors, chunk + 1, chunks) * 16;
  const end = chunk == chunks - 1 ? rowBytes : whole;
  for (let r = 0; r < N; r++) {
    const from = gradX + <usize>r * rowBytes;
    const to = into + <usize>load<i32>(ids + <usize>r * 4) * rowBytes;
    for (let o = begin; o < whole; o += 16) v128.store(to + o, f32x4.add(v128.load(to + o), f32x4.mul(factor, v128.load(from + o))));
    for (let o = whole; o < end; o += 4) store<f32>(to + o, load<f32>(to + o) + scale * load<f32>(from + o));
  }
}

/** out[rows[n]] = grad[n], zero elsewhere. Chunks share the columns. */
export function scatterRows(chunk: i32, chunks: i32, N: i32, R: i32, C: i32, grad: usize, rows: usize, out: usize): void {
  const rowBytes: usize = <usize>C * 4;
  const begin: usize = <usize>chunkStart(C, chunk, chunks) * 4;
  const bytes: usize = <usize>chunkStart(C, chunk + 1, chunks) * 4 - begin;
  if (chunks == 1) memory.fill(out, 0, <usize>R * rowBytes);
  else for (let r = 0; r < R; r++) memory.fill(out + <usize>r * rowBytes + begin, 0, bytes);
  for (let n = 0; n < N; n++) memory.copy(out + <usize>load<i32>(rows + <usize>n * 4) * rowBytes + begin, grad + <usize>n * rowBytes + begin, bytes);
}
