// Packed float32 matrix product. Both operands are copied into panels of MR rows and NR columns, so that one inner loop serves every
// transposition; element strides are in bytes. The 4 × 8 register tile fits the 16 vector registers of x64: larger ones spill.
import { chunkStart, multiplyAdd, sumLanes } from './vector';

const MR: i32 = 4;
const NR: i32 = 8;
const KC: i32 = 512; // depth of a panel: 512 · (4 + 8) · 4 bytes stay in the first-level cache with one panel pair
const MC: i32 = 512; // rows of A packed at once: 1 MiB at most
const TILE_BYTES: usize = 128 + 64;

/** C tile [4][8] (+)= panel of A [depth][4] · panel of B [depth][8]. `add` is a boolean. */
function tile(depth: i32, a: usize, b: usize, c: usize, rowBytes: usize, add: i32): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  let k = depth;
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load_splat<f32>(a);
    c00 = multiplyAdd(a0, b0, c00);
    c01 = multiplyAdd(a0, b1, c01);
    const a1 = v128.load_splat<f32>(a, 4);
    c10 = multiplyAdd(a1, b0, c10);
    c11 = multiplyAdd(a1, b1, c11);
    const a2 = v128.load_splat<f32>(a, 8);
    c20 = multiplyAdd(a2, b0, c20);
    c21 = multiplyAdd(a2, b1, c21);
    const a3 = v128.load_splat<f32>(a, 12);
    c30 = multiplyAdd(a3, b0, c30);
    c31 = multiplyAdd(a3, b1, c31);
    a += 16;
    b += 32;
  } while (--k > 0);
  if (add) {
    c00 = f32x4.add(c00, v128.load(c));
    c01 = f32x4.add(c01, v128.load(c, 16));
    const r1 = c + rowBytes;
    c10 = f32x4.add(c10, v128.load(r1));
    c11 = f32x4.add(c11, v128.load(r1, 16));
    const r2 = r1 + rowBytes;
    c20 = f32x4.add(c20, v128.load(r2));
    c21 = f32x4.add(c21, v128.load(r2, 16));
    const r3 = r2 + rowBytes;
    c30 = f32x4.add(c30, v128.load(r3));
    c31 = f32x4.add(c31, v128.load(r3, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += rowBytes;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += rowBytes;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += rowBytes;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

/** Four rows of four floats, transposed and written `step` bytes apart. */
@inline
function transpose4(p0: usize, p1: usize, p2: usize, p3: usize, to: usize, step: usize): void {
  const x0 = v128.load(p0);
  const x1 = v128.load(p1);
  const x2 = v128.load(p2);
  const x3 = v128.load(p3);
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Copies element (i, k) at `from + i·iBytes + k·kBytes`, i < count, k < depth, into panels [depth][width], zero padded. */
@inline
function pack(width: i32, count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  const row: usize = <usize>width * 4;
  let d = to;
  for (let i = 0; i < count; i += width) {
    const present = min(width, count - i);
    let p = from + <usize>i * iBytes;
    if (present == width && iBytes == 4) {
      for (let k = 0; k < depth; k++) {
        for (let offset: usize = 0; offset < row; offset += 16) v128.store(d + offset, v128.load(p + offset));
        p += kBytes;
        d += row;
      }
    } else if (present == width && kBytes == 4) {
      const whole = depth & ~3;
      for (let r = 0; r < width; r += 4) {
        let q = d + <usize>r * 4;
        let source = p + <usize>r * iBytes;
        for (let k = 0; k < whole; k += 4) {
          transpose4(source, source + iBytes, source + 2 * iBytes, source + 3 * iBytes, q, row);
          source += 16;
          q += 4 * row;
        }
      }
      for (let k = whole; k < depth; k++) {
        for (let r = 0; r < width; r++) store<f32>(d + <usize>(k * width + r) * 4, load<f32>(p + <usize>r * iBytes + <usize>k * 4));
      }
      d += <usize>depth * row;
    } else {
      for (let k = 0; k < depth; k++) {
        for (let r = 0; r < width; r++) store<f32>(d + <usize>r * 4, r < present ? load<f32>(p + <usize>r * iBytes) : 0);
        p += kBytes;
        d += row;
      }
    }
  }
}

/** A tile at the edge: computed in scratch, then only the part inside C is written. */
function edgeTile(depth: i32, a: usize, b: usize, c: usize, rowBytes: usize, add: i32, rows: i32, columns: i32, scratch: usize): void {
  tile(depth, a, b, scratch, <usize>NR * 4, 0);
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < columns; j++) {
      const to = c + <usize>r * rowBytes + <usize>j * 4;
      let value = load<f32>(scratch + <usize>(r * NR + j) * 4);
      if (add) value += load<f32>(to);
      store<f32>(to, value);
    }
  }
}

/** Few rows against rows of B that are contiguous along k: dot products, because packing B would cost more than the product. */
function dotRows(M: i32, first: i32, last: i32, K: i32, A: usize, aRow: usize, B: usize, bRow: usize, C: usize, cRow: usize): void {
  const whole = K & ~3;
  for (let i = 0; i < M; i++) {
    const a = A + <usize>i * aRow;
    for (let j = first; j < last; j++) {
      const b = B + <usize>j * bRow;
      let sums = f32x4.splat(0);
      for (let k = 0; k < whole; k += 4) sums = multiplyAdd(v128.load(a + <usize>k * 4), v128.load(b + <usize>k * 4), sums);
      let sum = sumLanes(sums);
      for (let k = whole; k < K; k++) sum += load<f32>(a + <usize>k * 4) * load<f32>(b + <usize>k * 4);
      store<f32>(C + <usize>i * cRow + <usize>j * 4, sum);
    }
  }
}

/** The product on one thread; C has rows of cRow bytes. */
function packedMatMul(M: i32, N: i32, K: i32, A: usize, aRow: usize, aColumn: usize, B: usize, bRow: usize, bColumn: usize, C: usize, cRow: usize, scratch: usize): void {
  const panels = (N + NR - 1) / NR;
  const packedB = scratch + TILE_BYTES;
  for (let k = 0; k < K; k += KC) {
    const depth = min(KC, K - k);
    const packedA = packedB + <usize>(panels * NR * depth) * 4;
    pack(NR, N, depth, B + <usize>k * bRow, bColumn, bRow, packedB);
    for (let i = 0; i < M; i += MC) {
      const rows = min(MC, M - i);
      pack(MR, rows, depth, A + <usize>i * aRow + <usize>k * aColumn, aRow, aColumn, packedA);
      for (let j = 0; j < N; j += NR) {
        const b = packedB + <usize>(j * depth) * 4;
        for (let r = 0; r < rows; r += MR) {
          const c = C + <usize>(i + r) * cRow + <usize>j * 4;
          const a = packedA + <usize>(r * depth) * 4;
          if (r + MR <= rows && j + NR <= N) tile(depth, a, b, c, cRow, k);
          else edgeTile(depth, a, b, c, cRow, k, min(MR, rows - r), min(NR, N - j), scratch);
        }
      }
    }
  }
}

/**
 * C[M, N] = Σ_k A(i, k) · B(k, j), C dense. A(i, k) is at A + i·aRow + k·aColumn, B(k, j) at B + k·bRow + j·bColumn (bytes).
 * Chunks share the columns in whole tiles, or the rows if there are more of them. `scratch` has matMulScratchBytes for each chunk.
 */
export function matMul(
  chunk: i32, chunks: i32,
  M: i32, N: i32, K: i32, A: usize, aRow: usize, aColumn: usize, B: usize, bRow: usize, bColumn: usize, C: usize, scratch: usize, scratchBytes: usize,
): void {
  const cRow: usize = <usize>N * 4;
  if (M <= 4 && aColumn == 4 && bRow == 4) {
    dotRows(M, chunkStart(N, chunk, chunks), chunkStart(N, chunk + 1, chunks), K, A, aRow, B, bColumn, C, cRow);
    return;
  }
  scratch += <usize>chunk * scratchBytes;
  if (N >= M) {
    const panels = (N + NR - 1) / NR;
    const first = chunkStart(panels, chunk, chunks) * NR;
    const columns = min(N, chunkStart(panels, chunk + 1, chunks) * NR) - first;
    if (columns > 0) packedMatMul(M, columns, K, A, aRow, aColumn, B + <usize>first * bColumn, bRow, bColumn, C + <usize>first * 4, cRow, scratch);
  } else {
    const panels = (M + MR - 1) / MR;
    const first = chunkStart(panels, chunk, chunks) * MR;
    const rows = min(M, chunkStart(panels, chunk + 1, chunks) * MR) - first;
    if (rows > 0) packedMatMul(rows, N, K, A + <usize>first * aRow, aRow, aColumn, B, bRow, bColumn, C + <usize>first * cRow, cRow, scratch);
  }
}
