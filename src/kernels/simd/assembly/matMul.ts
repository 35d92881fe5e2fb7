// Matrix products. The general case copies both operands into panels of MR rows and NR columns, so that one inner loop serves every
// transposition; element strides are in bytes. The 4 × 8 register tile fits the 16 vector registers of x64: larger ones spill.
// A product is two kernels: packPanels packs the operand that all chunks need, matMulTiles packs the other one block by block in each
// chunk and multiplies; depth is cut by the caller (simd/matMul.ts). Few rows, as in decoding, go without packing (matMulRows…): the
// weights are read once. Every store is sum (+ bias[j]) (+ addend[i][j]); an address of 0 means that there is none.
import { chunkStart, multiplyAdd, sumLanes4 } from './vector';

const MR: i32 = 4;
const NR: i32 = 8;
/** Rows or columns that a chunk packs at once: with a depth of 512 they take half a MiB, which the second-level cache holds. */
const BLOCK: i32 = 256;
/** Scratch for a tile at the edge, before the packed block. */
const TILE_BYTES: usize = 192;

/** C tile [4][8] = panel of A [depth][4] · rows of B, 8 wide and bStep bytes apart (32 in a panel), + bias + addend. */
@inline
function tileOf(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize): void {
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
    b += bStep;
  } while (--k > 0);
  if (bias) {
    const b0 = v128.load(bias);
    const b1 = v128.load(bias, 16);
    c00 = f32x4.add(c00, b0);
    c01 = f32x4.add(c01, b1);
    c10 = f32x4.add(c10, b0);
    c11 = f32x4.add(c11, b1);
    c20 = f32x4.add(c20, b0);
    c21 = f32x4.add(c21, b1);
    c30 = f32x4.add(c30, b0);
    c31 = f32x4.add(c31, b1);
  }
  if (addend) {
    c00 = f32x4.add(c00, v128.load(addend));
    c01 = f32x4.add(c01, v128.load(addend, 16));
    addend += addendRow;
    c10 = f32x4.add(c10, v128.load(addend));
    c11 = f32x4.add(c11, v128.load(addend, 16));
    addend += addendRow;
    c20 = f32x4.add(c20, v128.load(addend));
    c21 = f32x4.add(c21, v128.load(addend, 16));
    addend += addendRow;
    c30 = f32x4.add(c30, v128.load(addend));
    c31 = f32x4.add(c31, v128.load(addend, 16));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  c += cRow;
  v128.store(c, c10);
  v128.store(c, c11, 16);
  c += cRow;
  v128.store(c, c20);
  v128.store(c, c21, 16);
  c += cRow;
  v128.store(c, c30);
  v128.store(c, c31, 16);
}

function tile(depth: i32, a: usize, b: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize): void {
  tileOf(depth, a, b, 32, c, cRow, bias, addend, addendRow);
}

/** A tile with rows of B where they lie. */
function unpackedTile(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize): void {
  tileOf(depth, a, b, bStep, c, cRow, bias, addend, addendRow);
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

/** Writes the part of a finished tile (rows of 32 bytes) that lies inside C. */
function storeEdge(from: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, rows: i32, columns: i32): void {
  for (let r = 0; r < rows; r++) {
    for (let j = 0; j < columns; j++) {
      const o: usize = <usize>j * 4;
      let value = load<f32>(from + o);
      if (bias) value += load<f32>(bias + o);
      if (addend) value += load<f32>(addend + o);
      store<f32>(c + o, value);
    }
    from += <usize>NR * 4;
    c += cRow;
    addend += addend ? addendRow : 0;
  }
}

/** `count` rows (or columns) as panels of `width` (MR or NR), all `depth` deep, at `to`. Chunks share the panels. */
export function packPanels(chunk: i32, chunks: i32, width: i32, count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  const panels = (count + width - 1) / width;
  const first = chunkStart(panels, chunk, chunks) * width;
  const present = min(count, chunkStart(panels, chunk + 1, chunks) * width) - first;
  if (present <= 0) return;
  from += <usize>first * iBytes;
  to += <usize>first * <usize>depth * 4;
  if (width == MR) pack(MR, present, depth, from, iBytes, kBytes, to);
  else pack(NR, present, depth, from, iBytes, kBytes, to);
}

/**
 * C[M, N] = Σ_k A(i, k) · B(k, j) (+ bias) (+ addend) over one cut of `depth`. A(i, k) is at A + i·aRow + k·aColumn, B(k, j) at
 * B + k·bRow + j·bColumn. With byRows chunks share the rows and `packed` holds the panels of B; else the columns, and the panels of A.
 * `scratch` has TILE_BYTES + min(256, rows or columns, whole panels) · depth · 4 bytes for each chunk.
 */
export function matMulTiles(
  chunk: i32, chunks: i32,
  M: i32, N: i32, depth: i32, byRows: i32, A: usize, aRow: usize, aColumn: usize, B: usize, bRow: usize, bColumn: usize, packed: usize,
  C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, scratch: usize, scratchBytes: usize,
): void {
  scratch += <usize>chunk * scratchBytes;
  const own = scratch + TILE_BYTES;
  const width = byRows ? MR : NR;
  const count = byRows ? M : N;
  const panels = (count + width - 1) / width;
  const first = chunkStart(panels, chunk, chunks) * width;
  const last = min(count, chunkStart(panels, chunk + 1, chunks) * width);
  for (let at = first; at < last; at += BLOCK) {
    const present = min(BLOCK, last - at);
    if (byRows) pack(MR, present, depth, A + <usize>at * aRow, aRow, aColumn, own);
    else pack(NR, present, depth, B + <usize>at * bColumn, bColumn, bRow, own);
    const rowsFrom = byRows ? at : 0;
    const rowsEnd = byRows ? at + present : M;
    const columnsFrom = byRows ? 0 : at;
    const columnsEnd = byRows ? N : at + present;
    const a0 = byRows ? own : packed;
    const b0 = byRows ? packed : own;
    // A block of rows stays in the second-level cache while the panels of B pass; each of these stays in the first.
    for (let block = rowsFrom; block < rowsEnd; block += BLOCK) {
      const blockEnd = min(rowsEnd, block + BLOCK);
      for (let j = columnsFrom; j < columnsEnd; j += NR) {
        const b = b0 + <usize>(j - columnsFrom) * <usize>depth * 4;
        const o: usize = <usize>j * 4;
        const biasAt = bias ? bias + o : 0;
        for (let i = block; i < blockEnd; i += MR) {
          const a = a0 + <usize>(i - rowsFrom) * <usize>depth * 4;
          const c = C + <usize>i * cRow + o;
          const addendAt = addend ? addend + <usize>i * addendRow + o : 0;
          if (i + MR <= M && j + NR <= N) tile(depth, a, b, c, cRow, biasAt, addendAt, addendRow);
          else {
            tile(depth, a, b, scratch, <usize>NR * 4, 0, 0, 0);
            storeEdge(scratch, c, cRow, biasAt, addendAt, addendRow, min(MR, M - i), min(NR, N - j));
          }
        }
      }
    }
  }
}

/** C row [32] = one row of A, every fourth value of a panel, · rows of B, 32 wide and bStep bytes apart, + bias + addend. */
function oneRow(depth: i32, a: usize, b: usize, bStep: usize, c: usize, bias: usize, addend: usize): void {
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let c2 = f32x4.splat(0);
  let c3 = f32x4.splat(0);
  let c4 = f32x4.splat(0);
  let c5 = f32x4.splat(0);
  let c6 = f32x4.splat(0);
  let c7 = f32x4.splat(0);
  let k = depth;
  do {
    const x = v128.load_splat<f32>(a);
    c0 = multiplyAdd(x, v128.load(b), c0);
    c1 = multiplyAdd(x, v128.load(b, 16), c1);
    c2 = multiplyAdd(x, v128.load(b, 32), c2);
    c3 = multiplyAdd(x, v128.load(b, 48), c3);
    c4 = multiplyAdd(x, v128.load(b, 64), c4);
    c5 = multiplyAdd(x, v128.load(b, 80), c5);
    c6 = multiplyAdd(x, v128.load(b, 96), c6);
    c7 = multiplyAdd(x, v128.load(b, 112), c7);
    a += 16;
    b += bStep;
  } while (--k > 0);
  if (bias) {
    c0 = f32x4.add(c0, v128.load(bias));
    c1 = f32x4.add(c1, v128.load(bias, 16));
    c2 = f32x4.add(c2, v128.load(bias, 32));
    c3 = f32x4.add(c3, v128.load(bias, 48));
    c4 = f32x4.add(c4, v128.load(bias, 64));
    c5 = f32x4.add(c5, v128.load(bias, 80));
    c6 = f32x4.add(c6, v128.load(bias, 96));
    c7 = f32x4.add(c7, v128.load(bias, 112));
  }
  if (addend) {
    c0 = f32x4.add(c0, v128.load(addend));
    c1 = f32x4.add(c1, v128.load(addend, 16));
    c2 = f32x4.add(c2, v128.load(addend, 32));
    c3 = f32x4.add(c3, v128.load(addend, 48));
    c4 = f32x4.add(c4, v128.load(addend, 64));
    c5 = f32x4.add(c5, v128.load(addend, 80));
    c6 = f32x4.add(c6, v128.load(addend, 96));
    c7 = f32x4.add(c7, v128.load(addend, 112));
  }
  v128.store(c, c0);
  v128.store(c, c1, 16);
  v128.store(c, c2, 32);
  v128.store(c, c3, 48);
  v128.store(c, c4, 64);
  v128.store(c, c5, 80);
  v128.store(c, c6, 96);
  v128.store(c, c7, 112);
}

/**
 * The product for few rows of A against rows of B that are contiguous along j: reads B where it lies. `packed` holds the panels of A;
 * `scratch` has TILE_BYTES for each chunk. Chunks share the columns.
 */
export function matMulRowsWide(chunk: i32, chunks: i32, M: i32, N: i32, K: i32, packed: usize, B: usize, bRow: usize, C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, scratch: usize): void {
  scratch += <usize>chunk * TILE_BYTES;
  const panels = N / NR;
  const last = chunkStart(panels, chunk + 1, chunks) * NR;
  for (let j = chunkStart(panels, chunk, chunks) * NR; j < last; j += NR) {
    const o: usize = <usize>j * 4;
    const biasAt = bias ? bias + o : 0;
    if (M == 1 && j + 32 <= last) {
      oneRow(K, packed, B + o, bRow, C + o, biasAt, addend ? addend + o : 0);
      j += 32 - NR;
      continue;
    }
    for (let i = 0; i < M; i += MR) {
      const a = packed + <usize>i * <usize>K * 4;
      const c = C + <usize>i * cRow + o;
      const addendAt = addend ? addend + <usize>i * addendRow + o : 0;
      if (i + MR <= M) unpackedTile(K, a, B + o, bRow, c, cRow, biasAt, addendAt, addendRow);
      else {
        unpackedTile(K, a, B + o, bRow, scratch, <usize>NR * 4, 0, 0, 0);
        storeEdge(scratch, c, cRow, biasAt, addendAt, addendRow, M - i, NR);
      }
    }
  }
  if (chunk != chunks - 1) return;
  // The last columns, fewer than a tile: a read of eight would run over the end of B.
  for (let j = panels * NR; j < N; j++) {
    for (let i = 0; i < M; i++) {
      const a = packed + <usize>(i & ~3) * <usize>K * 4 + <usize>(i & 3) * 4;
      let sum: f32 = 0;
      for (let k = 0; k < K; k++) sum += load<f32>(a + <usize>k * 16) * load<f32>(B + <usize>k * bRow + <usize>j * 4);
      storeOne(sum, i, j, C, cRow, bias, addend, addendRow);
    }
  }
}

@inline
function storeOne(sum: f32, i: i32, j: i32, C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize): void {
  const o: usize = <usize>j * 4;
  if (bias) sum += load<f32>(bias + o);
  if (addend) sum += load<f32>(addend + <usize>i * addendRow + o);
  store<f32>(C + <usize>i * cRow + o, sum);
}

/** Dot products of one row with four rows. */
@inline
function dots1x4(a: usize, b0: usize, step: usize, K: i32): v128 {
  const b1 = b0 + step;
  const b2 = b1 + step;
  const b3 = b2 + step;
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const whole: usize = <usize>(K & ~3) * 4;
  for (let o: usize = 0; o < whole; o += 16) {
    const x = v128.load(a + o);
    s0 = multiplyAdd(x, v128.load(b0 + o), s0);
    s1 = multiplyAdd(x, v128.load(b1 + o), s1);
    s2 = multiplyAdd(x, v128.load(b2 + o), s2);
    s3 = multiplyAdd(x, v128.load(b3 + o), s3);
  }
  let sums = sumLanes4(s0, s1, s2, s3);
  for (let o = whole; o < <usize>K * 4; o += 4) {
    const rest = f32x4(load<f32>(b0 + o), load<f32>(b1 + o), load<f32>(b2 + o), load<f32>(b3 + o));
    sums = multiplyAdd(v128.load_splat<f32>(a + o), rest, sums);
  }
  return sums;
}

/** Dot products of four rows with two rows; the sums of the first row of B go to `to`, of the second to `to` + 16. */
@inline
function dots4x2(a0: usize, aStep: usize, b0: usize, b1: usize, K: i32, to: usize): void {
  const a1 = a0 + aStep;
  const a2 = a1 + aStep;
  const a3 = a2 + aStep;
  let s00 = f32x4.splat(0);
  let s01 = f32x4.splat(0);
  let s02 = f32x4.splat(0);
  let s03 = f32x4.splat(0);
  let s10 = f32x4.splat(0);
  let s11 = f32x4.splat(0);
  let s12 = f32x4.splat(0);
  let s13 = f32x4.splat(0);
  const whole: usize = <usize>(K & ~3) * 4;
  for (let o: usize = 0; o < whole; o += 16) {
    const x = v128.load(b0 + o);
    const y = v128.load(b1 + o);
    const p = v128.load(a0 + o);
    s00 = multiplyAdd(p, x, s00);
    s10 = multiplyAdd(p, y, s10);
    const q = v128.load(a1 + o);
    s01 = multiplyAdd(q, x, s01);
    s11 = multiplyAdd(q, y, s11);
    const r = v128.load(a2 + o);
    s02 = multiplyAdd(r, x, s02);
    s12 = multiplyAdd(r, y, s12);
    const s = v128.load(a3 + o);
    s03 = multiplyAdd(s, x, s03);
    s13 = multiplyAdd(s, y, s13);
  }
  let low = sumLanes4(s00, s01, s02, s03);
  let high = sumLanes4(s10, s11, s12, s13);
  for (let o = whole; o < <usize>K * 4; o += 4) {
    const column = f32x4(load<f32>(a0 + o), load<f32>(a1 + o), load<f32>(a2 + o), load<f32>(a3 + o));
    low = multiplyAdd(v128.load_splat<f32>(b0 + o), column, low);
    high = multiplyAdd(v128.load_splat<f32>(b1 + o), column, high);
  }
  v128.store(to, low);
  v128.store(to, high, 16);
}

/**
 * The product for few rows of A against rows of B that are contiguous along k, as dot products: packing B would cost more than the
 * product. Chunks share the columns, four at a time; `scratch` has TILE_BYTES for each chunk.
 */
export function matMulRowsDeep(chunk: i32, chunks: i32, M: i32, N: i32, K: i32, A: usize, aRow: usize, B: usize, bColumn: usize, C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, scratch: usize): void {
  scratch += <usize>chunk * TILE_BYTES;
  const groups = (N + 3) / 4;
  const last = min(N, chunkStart(groups, chunk + 1, chunks) * 4);
  for (let j = chunkStart(groups, chunk, chunks) * 4; j < last; j += 4) {
    const columns = min(4, N - j);
    const b = B + <usize>j * bColumn;
    let i = 0;
    for (; i + 4 <= M; i += 4) {
      for (let pair = 0; pair < columns; pair += 2) {
        const b0 = b + <usize>pair * bColumn;
        dots4x2(A + <usize>i * aRow, aRow, b0, pair + 1 < columns ? b0 + bColumn : b0, K, scratch);
        for (let r = 0; r < 4; r++) {
          storeOne(load<f32>(scratch + <usize>r * 4), i + r, j + pair, C, cRow, bias, addend, addendRow);
          if (pair + 1 < columns) storeOne(load<f32>(scratch + <usize>r * 4, 16), i + r, j + pair + 1, C, cRow, bias, addend, addendRow);
        }
      }
    }
    for (; i < M; i++) {
      const a = A + <usize>i * aRow;
      if (columns == 4) {
        let sums = dots1x4(a, b, bColumn, K);
        if (bias) sums = f32x4.add(sums, v128.load(bias + <usize>j * 4));
        if (addend) sums = f32x4.add(sums, v128.load(addend + <usize>i * addendRow + <usize>j * 4));
        v128.store(C + <usize>i * cRow + <usize>j * 4, sums);
      } else {
        for (let c = 0; c < columns; c++) storeOne(f32x4.extract_lane(dots1x4(a, b + <usize>c * bColumn, 0, K), 0), i, j + c, C, cRow, bias, addend, addendRow);
      }
    }
  }
}
