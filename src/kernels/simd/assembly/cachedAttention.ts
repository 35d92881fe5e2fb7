// Attention of fused rows over a cache as in attentionFused.cpu.ts, four key slots at a time. Chunks take (row, head) pairs.
import { exp4 } from './exp';
import { addScaled, chunkStart, dot, maxLanes, multiplyAdd, sumLanes, sumLanes4 } from './vector';

/** Four dot products of x with rows `step` bytes apart. */
@inline
export function dot4(x: usize, row: usize, step: usize, n: i32): v128 {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let s2 = f32x4.splat(0);
  let s3 = f32x4.splat(0);
  const whole = n & ~3;
  const r1 = row + step;
  const r2 = r1 + step;
  const r3 = r2 + step;
  let offset: usize = 0;
  const end: usize = <usize>whole * 4;
  for (; offset < end; offset += 16) {
    const a = v128.load(x + offset);
    s0 = multiplyAdd(a, v128.load(row + offset), s0);
    s1 = multiplyAdd(a, v128.load(r1 + offset), s1);
    s2 = multiplyAdd(a, v128.load(r2 + offset), s2);
    s3 = multiplyAdd(a, v128.load(r3 + offset), s3);
  }
  let sums = sumLanes4(s0, s1, s2, s3);
  for (let i = whole; i < n; i++) {
    const o: usize = <usize>i * 4;
    const rest = f32x4(load<f32>(row + o), load<f32>(r1 + o), load<f32>(r2 + o), load<f32>(r3 + o));
    sums = multiplyAdd(v128.load_splat<f32>(x + o), rest, sums);
  }
  return sums;
}

/** to += Σ weights[j] · row j, for four rows `step` bytes apart. */
@inline
export function addScaled4(to: usize, row: usize, step: usize, weights: v128, n: i32): void {
  const w0 = f32x4.splat(f32x4.extract_lane(weights, 0));
  const w1 = f32x4.splat(f32x4.extract_lane(weights, 1));
  const w2 = f32x4.splat(f32x4.extract_lane(weights, 2));
  const w3 = f32x4.splat(f32x4.extract_lane(weights, 3));
  const r1 = row + step;
  const r2 = r1 + step;
  const r3 = r2 + step;
  const whole = n & ~3;
  const end: usize = <usize>whole * 4;
  for (let offset: usize = 0; offset < end; offset += 16) {
    let sum = multiplyAdd(w0, v128.load(row + offset), v128.load(to + offset));
    sum = multiplyAdd(w1, v128.load(r1 + offset), sum);
    sum = multiplyAdd(w2, v128.load(r2 + offset), sum);
    v128.store(to + offset, multiplyAdd(w3, v128.load(r3 + offset), sum));
  }
  for (let i = whole; i < n; i++) {
    const o: usize = <usize>i * 4;
    const rest = f32x4.mul(weights, f32x4(load<f32>(row + o), load<f32>(r1 + o), load<f32>(r2 + o), load<f32>(r3 + o)));
    store<f32>(to + o, load<f32>(to + o) + sumLanes(rest));
  }
}

/** qkv [B·T, (H + 2G)·K], of which the queries are read; keys and values [.., S, G, K]; `scores` is scratch of S + 4 floats a chunk. */
export function cachedAttention(
  chunk: i32, chunks: i32,
  B: i32, T: i32, S: i32, H: i32, G: i32, K: i32, past: i32, scale: f32, window: i32,
  qkv: usize, keys: usize, values: usize, start: usize, out: usize, scores: usize,
): void {
  const head: usize = <usize>K * 4;
  const step: usize = <usize>G * head;
  const width: usize = <usize>(H + 2 * G) * head;
  scores += <usize>chunk * <usize>(S + 4) * 4;
  const last = chunkStart(B * H, chunk + 1, chunks);
  for (let pair = chunkStart(B * H, chunk, chunks); pair < last; pair++) {
    const b = pair / H;
    const h = pair % H;
    const begin = max(0, load<i32>(start + <usize>b * 4));
    for (let t = 0; t < T; t++) {
      const first = max(begin, past + t - window + 1);
      const base: usize = <usize>((b * S + first) * G + (h * G) / H) * head;
      const k = keys + base;
      const v = values + base;
      const query = qkv + <usize>(b * T + t) * width + <usize>h * head;
      const row = out + <usize>((b * T + t) * H + h) * head;
      memory.fill(row, 0, head);
      const count = past + t + 1 - first;
      if (count <= 0) continue;
      let s = 0;
      for (; s + 4 <= count; s += 4) v128.store(scores + <usize>s * 4, f32x4.mul(dot4(query, k + <usize>s * step, step, K), f32x4.splat(scale)));
      for (; s < count; s++) store<f32>(scores + <usize>s * 4, dot(query, k + <usize>s * step, K) * scale);
      // The last vector is filled up with copies of the lowest argument of exp: they add nothing.
      const padded = (count + 3) & ~3;
      for (; s < padded; s++) store<f32>(scores + <usize>s * 4, -1e30);
      let highest = f32x4.splat(-1e30);
      for (s = 0; s < padded; s += 4) highest = f32x4.pmax(highest, v128.load(scores + <usize>s * 4));
      const top = maxLanes(highest);
      let sums = f32x4.splat(0);
      for (s = 0; s < padded; s += 4) {
        const p = exp4(f32x4.sub(v128.load(scores + <usize>s * 4), f32x4.splat(top)));
        sums = f32x4.add(sums, p);
        v128.store(scores + <usize>s * 4, p);
      }
      const sum = sumLanes(sums);
      const inverse = f32x4.splat(1 / sum);
      for (s = 0; s + 4 <= count; s += 4) addScaled4(row, v + <usize>s * step, step, f32x4.mul(v128.load(scores + <usize>s * 4), inverse), K);
      for (; s < count; s++) addScaled(row, v + <usize>s * step, load<f32>(scores + <usize>s * 4) / sum, K);
    }
  }
}

/** Writes keys and values of rows (b, t) to slots past + t of the cache's rows: rows[b], or b where `rows` is 0. */
export function appendKv(
  chunk: i32, chunks: i32,
  B: i32, T: i32, S: i32, H: i32, G: i32, K: i32, past: i32,
  qkv: usize, keys: usize, values: usize, rows: usize,
): void {
  const group: usize = <usize>(G * K) * 4;
  const width: usize = <usize>((H + 2 * G) * K) * 4;
  const last = chunkStart(B, chunk + 1, chunks);
  for (let b = chunkStart(B, chunk, chunks); b < last; b++) {
    const row = rows == 0 ? b : load<i32>(rows + <usize>b * 4);
    for (let t = 0; t < T; t++) {
      const from = qkv + <usize>(b * T + t) * width + <usize>(H * K) * 4;
      const to: usize = <usize>(row * S + past + t) * group;
      memory.copy(keys + to, from, group);
      memory.copy(values + to, from + group, group);
    }
  }
}
