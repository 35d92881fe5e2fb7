// Matrix products. The general case copies both operands into panels of MR rows and NR columns, so that one inner loop serves every
// transposition; element strides are in bytes. The 4 × 8 register tile fits the 16 vector registers of x64: larger ones spill.
// A product is two kernels: packPanels packs the operand that all chunks need, matMulTiles packs the other one block by block in each
// chunk and multiplies; depth is cut by the caller (simd/matMul.ts). Few rows, as in decoding, go without packing
// (matMulRows.ts). Every store is sum (+ bias[j]) (+ addend[i][j]); an address of 0 means that there is none.
import { BF16, bytesOf, F16, F32, loadFour, loadOne } from './packed';
import { chunkStart, multiplyAdd } from './vector';

export const MR: i32 = 4;
export const NR: i32 = 8;
/** Rows or columns that a chunk packs at once: with a depth of 512 they take half a MiB, which the second-level cache holds. */
const BLOCK: i32 = 256;
/** Scratch for a tile at the edge, before the packed block. */
export const TILE_BYTES: usize = 192;

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
export function unpackedTile(depth: i32, a: usize, b: usize, bStep: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize): void {
  tileOf(depth, a, b, bStep, c, cRow, bias, addend, addendRow);
}

/** Four rows of four values, decoded, transposed and written `step` bytes apart. */
@inline
function transpose4(storage: i32, p0: usize, p1: usize, p2: usize, p3: usize, to: usize, step: usize): void {
  const x0 = loadFour(storage, p0);
  const x1 = loadFour(storage, p1);
  const x2 = loadFour(storage, p2);
  const x3 = loadFour(storage, p3);
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
  v128.store(to + step, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
  v128.store(to + 2 * step, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
  v128.store(to + 3 * step, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
}

/** Copies element (i, k) at `from + i·iBytes + k·kBytes`, i < count, k < depth, into panels [depth][width], decoded and zero padded. */
@inline
function pack(width: i32, storage: i32, count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  const row: usize = <usize>width * 4;
  const bytes = bytesOf(storage);
  let d = to;
  for (let i = 0; i < count; i += width) {
    const present = min(width, count - i);
    let p = from + <usize>i * iBytes;
    if (present == width && iBytes == bytes) {
      for (let k = 0; k < depth; k++) {
        for (let r = 0; r < width; r += 4) v128.store(d + <usize>r * 4, loadFour(storage, p + <usize>r * bytes));
        p += kBytes;
        d += row;
      }
    } else if (present == width && kBytes == bytes) {
      const whole = depth & ~3;
      for (let r = 0; r < width; r += 4) {
        let q = d + <usize>r * 4;
        let source = p + <usize>r * iBytes;
        for (let k = 0; k < whole; k += 4) {
          transpose4(storage, source, source + iBytes, source + 2 * iBytes, source + 3 * iBytes, q, row);
          source += 4 * bytes;
          q += 4 * row;
        }
      }
      for (let k = whole; k < depth; k++) {
        for (let r = 0; r < width; r++) store<f32>(d + <usize>(k * width + r) * 4, loadOne(storage, p + <usize>r * iBytes + <usize>k * bytes));
      }
      d += <usize>depth * row;
    } else {
      for (let k = 0; k < depth; k++) {
        for (let r = 0; r < width; r++) store<f32>(d + <usize>r * 4, r < present ? loadOne(storage, p + <usize>r * iBytes) : 0);
        p += kBytes;
        d += row;
      }
    }
  }
}

function packRows(count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  pack(MR, F32, count, depth, from, iBytes, kBytes, to);
}

/** Panels of B, which may be packed in 16 bits. */
export function packColumns(storage: i32, count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  if (storage == F16) pack(NR, F16, count, depth, from, iBytes, kBytes, to);
  else if (storage == BF16) pack(NR, BF16, count, depth, from, iBytes, kBytes, to);
  else pack(NR, F32, count, depth, from, iBytes, kBytes, to);
}

/** Writes the part of a finished tile (rows of 32 bytes) that lies inside C. */
export function storeEdge(from: usize, c: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, rows: i32, columns: i32): void {
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

/** `count` rows of A (or columns of B, stored as `storage`) as panels of `width` MR (or NR), all `depth` deep, at `to`. Chunks share the panels. */
export function packPanels(chunk: i32, chunks: i32, width: i32, storage: i32, count: i32, depth: i32, from: usize, iBytes: usize, kBytes: usize, to: usize): void {
  const panels = (count + width - 1) / width;
  const first = chunkStart(panels, chunk, chunks) * width;
  const present = min(count, chunkStart(panels, chunk + 1, chunks) * width) - first;
  if (present <= 0) return;
  from += <usize>first * iBytes;
  to += <usize>first * <usize>depth * 4;
  if (width == MR) packRows(present, depth, from, iBytes, kBytes, to);
  else packColumns(storage, present, depth, from, iBytes, kBytes, to);
}

/**
 * C[M, N] = Σ_k A(i, k) · B(k, j) (+ bias) (+ addend) over one cut of `depth`. A(i, k) is at A + i·aRow + k·aColumn, B(k, j) at
 * B + k·bRow + j·bColumn, stored as bStorage. With byRows chunks share the rows and `packed` holds the panels of B; else the columns, and the panels of A.
 * `scratch` has TILE_BYTES + min(256, rows or columns, whole panels) · depth · 4 bytes for each chunk.
 */
export function matMulTiles(
  chunk: i32, chunks: i32,
  M: i32, N: i32, depth: i32, byRows: i32, A: usize, aRow: usize, aColumn: usize, B: usize, bRow: usize, bColumn: usize, bStorage: i32, packed: usize,
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
    if (byRows) packRows(present, depth, A + <usize>at * aRow, aRow, aColumn, own);
    else packColumns(bStorage, present, depth, B + <usize>at * bColumn, bColumn, bRow, own);
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
