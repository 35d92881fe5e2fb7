// Matrix products with few rows, as in decoding: packing the weights would cost more than the product, so they are read once, where they
// lie. Stores, strides and absent operands as in matMul.ts.
import { MR, NR, packColumns, TILE_BYTES, storeEdge, unpackedTile } from './matMul';
import { bytesOf, decode, F32, loadAny } from './packed';
import { onePackedRow, packedDots1x4, touch } from './packedRows';
import { chunkStart, multiplyAdd, sumLanes4 } from './vector';

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
 * `scratch` has TILE_BYTES for each chunk, and 32 K more where B is stored in 16 bits: its columns are decoded there, eight at a time,
 * unless A has one row only. Chunks share the columns.
 */
export function matMulRowsWide(chunk: i32, chunks: i32, M: i32, N: i32, K: i32, packed: usize, B: usize, bRow: usize, bStorage: i32, C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, scratch: usize, scratchBytes: usize): void {
  scratch += <usize>chunk * scratchBytes;
  const decoded = scratch + TILE_BYTES;
  const bytes = bytesOf(bStorage);
  const panels = N / NR;
  const last = chunkStart(panels, chunk + 1, chunks) * NR;
  for (let j = chunkStart(panels, chunk, chunks) * NR; j < last; j += NR) {
    const o: usize = <usize>j * 4;
    const biasAt = bias ? bias + o : 0;
    let b = B + <usize>j * bytes;
    if (M == 1 && j + 32 <= last) {
      const addendAt = addend ? addend + o : 0;
      if (bStorage == F32) oneRow(K, packed, b, bRow, C + o, biasAt, addendAt);
      else onePackedRow(bStorage, K, packed, b, bRow, C + o, biasAt, addendAt);
      j += 32 - NR;
      continue;
    }
    let bStep = bRow;
    if (bStorage != F32) {
      packColumns(bStorage, NR, K, b, bytes, bRow, decoded);
      b = decoded;
      bStep = <usize>NR * 4;
    }
    for (let i = 0; i < M; i += MR) {
      const a = packed + <usize>i * <usize>K * 4;
      const c = C + <usize>i * cRow + o;
      const addendAt = addend ? addend + <usize>i * addendRow + o : 0;
      if (i + MR <= M) unpackedTile(K, a, b, bStep, c, cRow, biasAt, addendAt, addendRow);
      else {
        unpackedTile(K, a, b, bStep, scratch, <usize>NR * 4, 0, 0, 0);
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
      for (let k = 0; k < K; k++) sum += load<f32>(a + <usize>k * 16) * loadAny(bStorage, B + <usize>k * bRow + <usize>j * bytes);
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

@inline
function dotsOf(storage: i32, a: usize, b0: usize, step: usize, K: i32, ahead: usize, scratch: usize): v128 {
  return storage == F32 ? dots1x4(a, b0, step, K) : packedDots1x4(storage, a, b0, step, K, ahead, scratch);
}

/**
 * The product for few rows of A against rows of B that are contiguous along k, as dot products: packing B would cost more than the
 * product. Chunks share the columns, four at a time; `scratch` has TILE_BYTES for each chunk, and 16 K more where B is stored in 16
 * bits and A has several rows: four rows of B are decoded there, which stay in the first-level cache.
 */
export function matMulRowsDeep(chunk: i32, chunks: i32, M: i32, N: i32, K: i32, A: usize, aRow: usize, B: usize, bColumn: usize, bStorage: i32, C: usize, cRow: usize, bias: usize, addend: usize, addendRow: usize, scratch: usize, scratchBytes: usize): void {
  scratch += <usize>chunk * scratchBytes;
  const decoded = scratch + TILE_BYTES;
  const bStep: usize = bStorage == F32 || M == 1 ? bColumn : <usize>K * 4;
  const groups = (N + 3) / 4;
  const last = min(N, chunkStart(groups, chunk + 1, chunks) * 4);
  for (let j = chunkStart(groups, chunk, chunks) * 4; j < last; j += 4) {
    const columns = min(4, N - j);
    let b = B + <usize>j * bColumn;
    if (bStorage != F32 && M > 1) {
      v128.store(scratch, touch(b, <usize>columns * bColumn));
      for (let c = 0; c < columns; c++) decode(bStorage, b + <usize>c * bColumn, K, decoded + <usize>c * bStep);
      b = decoded;
    }
    let i = 0;
    for (; i + 4 <= M; i += 4) {
      for (let pair = 0; pair < columns; pair += 2) {
        const b0 = b + <usize>pair * bStep;
        dots4x2(A + <usize>i * aRow, aRow, b0, pair + 1 < columns ? b0 + bStep : b0, K, scratch);
        for (let r = 0; r < 4; r++) {
          storeOne(load<f32>(scratch + <usize>r * 4), i + r, j + pair, C, cRow, bias, addend, addendRow);
          if (pair + 1 < columns) storeOne(load<f32>(scratch + <usize>r * 4, 16), i + r, j + pair + 1, C, cRow, bias, addend, addendRow);
        }
      }
    }
    for (; i < M; i++) {
      const a = A + <usize>i * aRow;
      if (columns == 4) {
        let sums = dotsOf(M > 1 ? F32 : bStorage, a, b, bStep, K, j + 8 <= N ? b + 4 * bStep : b, scratch);
        if (bias) sums = f32x4.add(sums, v128.load(bias + <usize>j * 4));
        if (addend) sums = f32x4.add(sums, v128.load(addend + <usize>i * addendRow + <usize>j * 4));
        v128.store(C + <usize>i * cRow + <usize>j * 4, sums);
      } else {
        for (let c = 0; c < columns; c++) storeOne(f32x4.extract_lane(dotsOf(M > 1 ? F32 : bStorage, a, b + <usize>c * bStep, 0, K, b, scratch), 0), i, j + c, C, cRow, bias, addend, addendRow);
      }
    }
  }
}
