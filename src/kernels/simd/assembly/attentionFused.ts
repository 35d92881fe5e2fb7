// Attention on fused rows as in attentionFused.cpu.ts. Every product is cut into tiles of 4 x 8 results held in registers: scores and
// their gradients read keys and values transposed (packed once for each head group), the others read rows as they lie. Chunks take
// (b, group) pairs. Heads whose size is no multiple of 8, or T no multiple of 4, are worked on as copies padded with zeros.
import { exp4 } from './exp';
import { chunkStart, dot, maxLanes, multiplyAdd, sumLanes } from './vector';

@external('env', 'log')
declare function naturalLog(x: f64): f64;

/** Queries whose probabilities are held together in the gradient. */
const BLOCK: i32 = 32;

@inline
function up8(n: i32): i32 {
  return (n + 7) & ~7;
}

/**
 * c[4 x 8] = (add ? c : 0) + Σ_k a[r, k] · b[k, 0..7] over `steps`; all strides in bytes. The one place where the time goes.
 */
function tile(steps: i32, a: usize, aRow: usize, aStep: usize, b: usize, bStep: usize, c: usize, cRow: usize, add: bool): void {
  let a1 = a + aRow;
  let a2 = a1 + aRow;
  let a3 = a2 + aRow;
  let s00 = f32x4.splat(0);
  let s01 = s00;
  let s10 = s00;
  let s11 = s00;
  let s20 = s00;
  let s21 = s00;
  let s30 = s00;
  let s31 = s00;
  for (let k = 0; k < steps; k++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load_splat<f32>(a);
    s00 = multiplyAdd(x0, b0, s00);
    s01 = multiplyAdd(x0, b1, s01);
    const x1 = v128.load_splat<f32>(a1);
    s10 = multiplyAdd(x1, b0, s10);
    s11 = multiplyAdd(x1, b1, s11);
    const x2 = v128.load_splat<f32>(a2);
    s20 = multiplyAdd(x2, b0, s20);
    s21 = multiplyAdd(x2, b1, s21);
    const x3 = v128.load_splat<f32>(a3);
    s30 = multiplyAdd(x3, b0, s30);
    s31 = multiplyAdd(x3, b1, s31);
    a += aStep;
    a1 += aStep;
    a2 += aStep;
    a3 += aStep;
    b += bStep;
  }
  const c1 = c + cRow;
  const c2 = c1 + cRow;
  const c3 = c2 + cRow;
  if (add) {
    s00 = f32x4.add(s00, v128.load(c));
    s01 = f32x4.add(s01, v128.load(c, 16));
    s10 = f32x4.add(s10, v128.load(c1));
    s11 = f32x4.add(s11, v128.load(c1, 16));
    s20 = f32x4.add(s20, v128.load(c2));
    s21 = f32x4.add(s21, v128.load(c2, 16));
    s30 = f32x4.add(s30, v128.load(c3));
    s31 = f32x4.add(s31, v128.load(c3, 16));
  }
  v128.store(c, s00);
  v128.store(c, s01, 16);
  v128.store(c1, s10);
  v128.store(c1, s11, 16);
  v128.store(c2, s20);
  v128.store(c2, s21, 16);
  v128.store(c3, s30);
  v128.store(c3, s31, 16);
}

/** to[i, s] = from[s, i] for T rows of K; rows of `to` are `padded` long and zero from T on, and so are rows K .. upTo. */
function transpose(from: usize, fromRow: usize, to: usize, T: i32, K: i32, padded: i32, upTo: i32): void {
  const row: usize = <usize>padded * 4;
  let i = 0;
  for (; i + 4 <= K; i += 4) {
    let source = from + <usize>i * 4;
    let target = to + <usize>i * row;
    let s = 0;
    for (; s + 4 <= T; s += 4) {
      const r0 = v128.load(source);
      const r1 = v128.load(source + fromRow);
      const r2 = v128.load(source + 2 * fromRow);
      const r3 = v128.load(source + 3 * fromRow);
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      v128.store(target, v128.shuffle<f32>(low01, low23, 0, 1, 4, 5));
      v128.store(target + row, v128.shuffle<f32>(low01, low23, 2, 3, 6, 7));
      v128.store(target + 2 * row, v128.shuffle<f32>(high01, high23, 0, 1, 4, 5));
      v128.store(target + 3 * row, v128.shuffle<f32>(high01, high23, 2, 3, 6, 7));
      source += 4 * fromRow;
      target += 16;
    }
    for (; s < T; s++) {
      store<f32>(target, load<f32>(source));
      store<f32>(target + row, load<f32>(source, 4));
      store<f32>(target + 2 * row, load<f32>(source, 8));
      store<f32>(target + 3 * row, load<f32>(source, 12));
      source += fromRow;
      target += 4;
    }
  }
  for (; i < K; i++) for (let s = 0; s < T; s++) store<f32>(to + <usize>i * row + <usize>s * 4, load<f32>(from + <usize>s * fromRow + <usize>i * 4));
  for (i = 0; i < K; i++) memory.fill(to + <usize>i * row + <usize>T * 4, 0, <usize>(padded - T) * 4);
  memory.fill(to + <usize>K * row, 0, <usize>(upTo - K) * row);
}

/** Copies T rows of K into `rows` rows of `padded` numbers, zeros elsewhere. */
function pad(from: usize, fromRow: usize, to: usize, T: i32, K: i32, rows: i32, padded: i32): void {
  memory.fill(to, 0, <usize>(rows * padded) * 4);
  for (let t = 0; t < T; t++) memory.copy(to + <usize>(t * padded) * 4, from + <usize>t * fromRow, <usize>K * 4);
}

function unpad(from: usize, padded: i32, to: usize, toRow: usize, T: i32, K: i32): void {
  for (let t = 0; t < T; t++) memory.copy(to + <usize>t * toRow, from + <usize>(t * padded) * 4, <usize>K * 4);
}

/** Ones in the lanes whose slot s .. s + 3 lies in first .. last. */
@inline
function visible(s: i32, first: i32, last: i32): v128 {
  const slots = i32x4.add(i32x4.splat(s), i32x4(0, 1, 2, 3));
  return v128.and(i32x4.ge_s(slots, i32x4.splat(first)), i32x4.le_s(slots, i32x4.splat(last)));
}

/** Largest of the scaled scores of slots first .. last; `row` holds those from slot `base` on. */
@inline
function largest(row: usize, base: i32, first: i32, last: i32, scale: f32): f32 {
  let highest = f32x4.splat(-1e30);
  let s = base;
  while (s + 3 < first) s += 4;
  if (s < first) {
    highest = v128.bitselect(v128.load(row + <usize>(s - base) * 4), highest, visible(s, first, last));
    s += 4;
  }
  for (; s + 3 <= last; s += 4) highest = f32x4.pmax(highest, v128.load(row + <usize>(s - base) * 4));
  if (s <= last) highest = f32x4.pmax(highest, v128.bitselect(v128.load(row + <usize>(s - base) * 4), f32x4.splat(-1e30), visible(s, first, last)));
  return maxLanes(highest) * scale;
}

/** exp(score · scale − top) in place for slots first .. last, 0 in the others of base .. base + columns − 1. @returns the sum */
@inline
function exponentials(row: usize, base: i32, columns: i32, first: i32, last: i32, scale: f32, top: f32): f32 {
  const factor = f32x4.splat(scale);
  const shift = f32x4.splat(-top);
  let sums = f32x4.splat(0);
  const end = base + columns;
  for (let s = base; s < end; s += 4) {
    const at = row + <usize>(s - base) * 4;
    let p = f32x4.splat(0);
    if (s <= last) {
      p = exp4(multiplyAdd(v128.load(at), factor, shift));
      if (s < first || s + 3 > last) p = v128.and(p, visible(s, first, last));
      sums = f32x4.add(sums, p);
    }
    v128.store(at, p);
  }
  return sumLanes(sums);
}

/** Scratch of a chunk: keys transposed, four rows of scores, copies of queries, values and outputs (simdAttention.ts counts them). */
export function attentionFused(
  chunk: i32, chunks: i32,
  B: i32, T: i32, H: i32, G: i32, K: i32, scale: f32, window: i32,
  qkv: usize, start: usize, out: usize, logSumExp: usize, scratch: usize, scratchBytes: usize,
): void {
  scratch += <usize>chunk * scratchBytes;
  const width: usize = <usize>((H + 2 * G) * K) * 4;
  const mixed: usize = <usize>(H * K) * 4;
  const head: usize = <usize>K * 4;
  const share = H / G;
  const K8 = up8(K);
  const TP = up8(T);
  const S = TP + 8;
  const copies = K8 != K || (T & 3) != 0;
  const keysT = scratch;
  const scores = keysT + <usize>(K8 * S) * 4;
  const scoreRow: usize = <usize>S * 4;
  const queryCopy = scores + 4 * scoreRow;
  const copyBytes: usize = <usize>(TP * K8) * 4;
  const valueCopy = queryCopy + copyBytes;
  const outCopy = valueCopy + copyBytes;
  const copyRow: usize = <usize>K8 * 4;
  const end = chunkStart(B * G, chunk + 1, chunks);
  for (let pair = chunkStart(B * G, chunk, chunks); pair < end; pair++) {
    const b = pair / G;
    const group = pair % G;
    const rows = qkv + <usize>(b * T) * width;
    const first = max(0, load<i32>(start + <usize>b * 4));
    transpose(rows + <usize>(H + group) * head, width, keysT, T, K, S, K8);
    let values = rows + <usize>(H + G + group) * head;
    let valueRow = width;
    if (copies) {
      pad(values, width, valueCopy, T, K, TP, K8);
      values = valueCopy;
      valueRow = copyRow;
    }
    for (let h = group * share; h < (group + 1) * share; h++) {
      let queries = rows + <usize>h * head;
      let queryRow = width;
      const target = out + <usize>(b * T) * mixed + <usize>h * head;
      let result = target;
      let resultRow = mixed;
      if (copies) {
        pad(queries, width, queryCopy, T, K, TP, K8);
        queries = queryCopy;
        queryRow = copyRow;
        result = outCopy;
        resultRow = copyRow;
      }
      const total = logSumExp + <usize>((b * H + h) * T) * 4;
      for (let t = 0; t < T; t += 4) {
        // Slots that none of the four queries sees are left out.
        const base = max(first, t - window + 1) & ~3;
        const steps = t + 4 - base;
        const row = result + <usize>t * resultRow;
        const count = min(4, T - t);
        if (t + 3 < first) {
          for (let r = 0; r < 4; r++) memory.fill(row + <usize>r * resultRow, 0, <usize>K8 * 4);
          for (let r = 0; r < count; r++) store<f32>(total + <usize>(t + r) * 4, 0);
          continue;
        }
        const columns = up8(steps);
        for (let s = 0; s < columns; s += 8) tile(K, queries + <usize>t * queryRow, queryRow, 4, keysT + <usize>(base + s) * 4, scoreRow, scores + <usize>s * 4, scoreRow, false);
        for (let r = 0; r < 4; r++) {
          const scoresAt = scores + <usize>r * scoreRow;
          if (t + r < first) {
            memory.fill(scoresAt, 0, <usize>columns * 4);
            if (r < count) store<f32>(total + <usize>(t + r) * 4, 0);
            continue;
          }
          const oldest = max(first, t + r - window + 1);
          const top = largest(scoresAt, base, oldest, t + r, scale);
          const sum = exponentials(scoresAt, base, columns, oldest, t + r, scale, top);
          if (r < count) store<f32>(total + <usize>(t + r) * 4, top + <f32>naturalLog(sum));
          const inverse = f32x4.splat(1 / sum);
          for (let s = 0; s < columns; s += 4) v128.store(scoresAt + <usize>s * 4, f32x4.mul(v128.load(scoresAt + <usize>s * 4), inverse));
        }
        for (let i = 0; i < K8; i += 8) tile(steps, scores, scoreRow, 4, values + <usize>base * valueRow + <usize>i * 4, valueRow, row + <usize>i * 4, resultRow, false);
      }
      if (copies) unpad(outCopy, K8, target, mixed, T, K);
    }
  }
}

/** Gradient; gradQkv is overwritten. Probabilities are recomputed from logSumExp. Scratch: keys and values transposed, two blocks, six copies. */
export function attentionFusedGrad(
  chunk: i32, chunks: i32,
  B: i32, T: i32, H: i32, G: i32, K: i32, scale: f32, window: i32,
  qkv: usize, start: usize, out: usize, logSumExp: usize, gradOut: usize, gradQkv: usize, scratch: usize, scratchBytes: usize,
): void {
  scratch += <usize>chunk * scratchBytes;
  const width: usize = <usize>((H + 2 * G) * K) * 4;
  const mixed: usize = <usize>(H * K) * 4;
  const head: usize = <usize>K * 4;
  const share = H / G;
  const K8 = up8(K);
  const TP = up8(T);
  const S = TP + 8;
  const copies = K8 != K || (T & 3) != 0;
  const line: usize = <usize>S * 4;
  const keysT = scratch;
  const valuesT = keysT + <usize>K8 * line;
  const p = valuesT + <usize>K8 * line;
  const g = p + <usize>BLOCK * line;
  const copyRow: usize = <usize>K8 * 4;
  const copyBytes: usize = <usize>TP * copyRow;
  const queryCopy = g + <usize>BLOCK * line;
  const keyCopy = queryCopy + copyBytes;
  const gradOutCopy = keyCopy + copyBytes;
  const gradQueryCopy = gradOutCopy + copyBytes;
  const gradKeyCopy = gradQueryCopy + copyBytes;
  const gradValueCopy = gradKeyCopy + copyBytes;
  const end = chunkStart(B * G, chunk + 1, chunks);
  for (let pair = chunkStart(B * G, chunk, chunks); pair < end; pair++) {
    const b = pair / G;
    const group = pair % G;
    const rows = qkv + <usize>(b * T) * width;
    const gradRows = gradQkv + <usize>(b * T) * width;
    const first = max(0, load<i32>(start + <usize>b * 4));
    const keyColumn: usize = <usize>(H + group) * head;
    const valueColumn: usize = <usize>(H + G + group) * head;
    transpose(rows + keyColumn, width, keysT, T, K, S, K8);
    transpose(rows + valueColumn, width, valuesT, T, K, S, K8);
    let keys = rows + keyColumn;
    let keyRow = width;
    let gradKeys = gradRows + keyColumn;
    let gradValues = gradRows + valueColumn;
    let gradRow = width;
    if (copies) {
      pad(keys, width, keyCopy, T, K, TP, K8);
      keys = keyCopy;
      keyRow = copyRow;
      gradKeys = gradKeyCopy;
      gradValues = gradValueCopy;
      gradRow = copyRow;
      memory.fill(gradKeyCopy, 0, 2 * copyBytes);
    } else
      for (let t = 0; t < T; t++) {
        memory.fill(gradKeys + <usize>t * width, 0, head);
        memory.fill(gradValues + <usize>t * width, 0, head);
      }
    for (let h = group * share; h < (group + 1) * share; h++) {
      let queries = rows + <usize>h * head;
      let queryRow = width;
      let gradMixed = gradOut + <usize>(b * T) * mixed + <usize>h * head;
      let gradMixedRow = mixed;
      const outs = out + <usize>(b * T) * mixed + <usize>h * head;
      let gradQueries = gradRows + <usize>h * head;
      let gradQueryRow = width;
      if (copies) {
        pad(queries, width, queryCopy, T, K, TP, K8);
        pad(gradMixed, mixed, gradOutCopy, T, K, TP, K8);
        queries = queryCopy;
        queryRow = copyRow;
        gradMixed = gradOutCopy;
        gradMixedRow = copyRow;
        gradQueries = gradQueryCopy;
        gradQueryRow = copyRow;
      }
      const total = logSumExp + <usize>((b * H + h) * T) * 4;
      for (let t0 = 0; t0 < T; t0 += BLOCK) {
        const t1 = min(t0 + BLOCK, (T + 3) & ~3);
        // The first slot that a query of the block sees: rows of p and g begin with it.
        const base = max(first, t0 - window + 1) & ~3;
        for (let t = t0; t < t1; t += 4) {
          const gradQuery = gradQueries + <usize>t * gradQueryRow;
          // And the first that one of these four queries sees.
          const own = max(first, t - window + 1) & ~3;
          const unseen: usize = <usize>(own - base) * 4;
          const pRow = p + <usize>(t - t0) * line + unseen;
          const gRow = g + <usize>(t - t0) * line + unseen;
          if (t + 3 < first) {
            for (let r = 0; r < 4; r++) memory.fill(gradQuery + <usize>r * gradQueryRow, 0, <usize>K8 * 4);
            continue;
          }
          const steps = t + 4 - own;
          const columns = up8(steps);
          for (let s = 0; s < columns; s += 8) {
            tile(K, queries + <usize>t * queryRow, queryRow, 4, keysT + <usize>(own + s) * 4, line, pRow + <usize>s * 4, line, false);
            tile(K, gradMixed + <usize>t * gradMixedRow, gradMixedRow, 4, valuesT + <usize>(own + s) * 4, line, gRow + <usize>s * 4, line, false);
          }
          for (let r = 0; r < 4; r++) {
            const pAt = pRow + <usize>r * line;
            const gAt = gRow + <usize>r * line;
            if (unseen > 0) {
              memory.fill(pAt - unseen, 0, unseen);
              memory.fill(gAt - unseen, 0, unseen);
            }
            if (t + r < first || t + r >= T) {
              memory.fill(pAt, 0, <usize>columns * 4);
              memory.fill(gAt, 0, <usize>columns * 4);
              continue;
            }
            exponentials(pAt, own, columns, max(first, t + r - window + 1), t + r, scale, load<f32>(total + <usize>(t + r) * 4));
            const mean = f32x4.splat(dot(gradMixed + <usize>(t + r) * gradMixedRow, outs + <usize>(t + r) * mixed, K));
            const factor = f32x4.splat(scale);
            for (let s = 0; s < columns; s += 4) {
              const at = gAt + <usize>s * 4;
              v128.store(at, f32x4.mul(f32x4.mul(v128.load(pAt + <usize>s * 4), factor), f32x4.sub(v128.load(at), mean)));
            }
          }
          for (let i = 0; i < K8; i += 8) tile(steps, gRow, line, 4, keys + <usize>own * keyRow + <usize>i * 4, keyRow, gradQuery + <usize>i * 4, gradQueryRow, false);
        }
        // Keys in fours, each with the queries of the block that see one of them.
        for (let s = base; s < t1; s += 4) {
          const t = max(t0, max(s, base));
          const steps = t1 - t;
          const column: usize = <usize>(s - base) * 4 + <usize>(t - t0) * line;
          for (let i = 0; i < K8; i += 8) {
            tile(steps, p + column, 4, line, gradMixed + <usize>t * gradMixedRow + <usize>i * 4, gradMixedRow, gradValues + <usize>s * gradRow + <usize>i * 4, gradRow, true);
            tile(steps, g + column, 4, line, queries + <usize>t * queryRow + <usize>i * 4, queryRow, gradKeys + <usize>s * gradRow + <usize>i * 4, gradRow, true);
          }
        }
      }
      if (copies) unpad(gradQueryCopy, K8, gradRows + <usize>h * head, width, T, K);
    }
    if (copies) {
      unpad(gradKeyCopy, K8, gradRows + keyColumn, width, T, K);
      unpad(gradValueCopy, K8, gradRows + valueColumn, width, T, K);
    }
  }
}
