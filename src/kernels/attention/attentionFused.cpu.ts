/**
 * CPU twins of attention on fused rows: pure functions on flat arrays. A row of `qkv` holds its H query heads, then its G key groups,
 * then their values, K numbers each.
 */
import type { Floats } from '../floats.ts';

/** Sizes of one call: qkv is [B·T, (H + 2G)·K]. */
export interface FusedSizes {
  B: number;
  T: number;
  H: number;
  G: number;
  K: number;
  /** Multiplies q·k before the softmax: 1/√K in most families. */
  scale: number;
  /** A query at slot i attends to the slots j with i − window < j ≤ i; null: to all j ≤ i. */
  window: number | null;
}

/** The first slot that a query at slot `at` attends to in a row whose first real slot is `start`. */
export const firstSeen = (start: number, at: number, window: number | null): number => Math.max(0, start, window === null ? 0 : at - window + 1);

/** Numbers in one row of qkv. */
export const rowWidth = ({ H, G, K }: Pick<FusedSizes, 'H' | 'G' | 'K'>): number => (H + 2 * G) * K;

/** Rows of keys or values of one head group: `at` is the first, `stride` leads to the next. */
interface Rows {
  values: Floats;
  at: number;
  stride: number;
}

function dot(a: Floats, aAt: number, b: Floats, bAt: number, K: number): number {
  let s0 = 0;
  let s1 = 0;
  let i = 0;
  for (; i + 1 < K; i += 2) {
    s0 += a[aAt + i]! * b[bAt + i]!;
    s1 += a[aAt + i + 1]! * b[bAt + i + 1]!;
  }
  return i < K ? s0 + s1 + a[aAt + i]! * b[bAt + i]! : s0 + s1;
}

/** One query over slots first..last. @returns the log of the sum of exponentials; 0, and zeros in out, where there is no slot */
function attendOne(query: Floats, queryAt: number, keys: Rows, values: Rows, first: number, last: number, K: number, scale: number, weights: Float64Array, out: Floats, outAt: number): number {
  out.fill(0, outAt, outAt + K);
  if (last < first) return 0;
  let max = -Infinity;
  for (let s = first; s <= last; s++) {
    const score = dot(query, queryAt, keys.values, keys.at + s * keys.stride, K) * scale;
    weights[s] = score;
    if (score > max) max = score;
  }
  let sum = 0;
  for (let s = first; s <= last; s++) sum += weights[s] = Math.exp(weights[s]! - max);
  for (let s = first; s <= last; s++) {
    const p = weights[s]! / sum;
    const row = values.at + s * values.stride;
    for (let i = 0; i < K; i++) out[outAt + i]! += p * values.values[row + i]!;
  }
  return max + Math.log(sum);
}

/**
 * out[b, t, h] = Σ_s softmax_s(scale · q·k) v over start[b] ≤ s ≤ t (and s > t − window); head h reads key group floor(h·G/H).
 * Queries with no slot to attend to give zeros (and logSumExp 0). out [B·T, H·K] and logSumExp [B, H, T] are overwritten.
 */
export function attentionFusedForward(qkv: Floats, start: Int32Array, out: Floats, logSumExp: Floats, sizes: FusedSizes): void {
  const { B, T, H, G, K, scale, window } = sizes;
  const width = rowWidth(sizes);
  const weights = new Float64Array(T);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++) {
      const group = Math.floor((h * G) / H);
      const keys = { values: qkv, at: b * T * width + (H + group) * K, stride: width };
      const values = { ...keys, at: keys.at + G * K };
      for (let t = 0; t < T; t++) {
        const row = b * T + t;
        logSumExp[(b * H + h) * T + t] = attendOne(qkv, row * width + h * K, keys, values, firstSeen(start[b]!, t, window), t, K, scale, weights, out, (row * H + h) * K);
      }
    }
}

/** Gradient of attentionFusedForward; gradQkv is overwritten. Probabilities are recomputed from logSumExp. */
export function attentionFusedBackward(qkv: Floats, start: Int32Array, out: Floats, logSumExp: Floats, gradOut: Floats, gradQkv: Floats, sizes: FusedSizes): void {
  const { B, T, H, G, K, scale, window } = sizes;
  const width = rowWidth(sizes);
  gradQkv.fill(0);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++) {
      const keyColumn = (H + Math.floor((h * G) / H)) * K;
      for (let t = 0; t < T; t++) {
        const row = b * T + t;
        const query = row * width + h * K;
        const mixed = (row * H + h) * K;
        const mean = dot(gradOut, mixed, out, mixed, K);
        for (let s = firstSeen(start[b]!, t, window); s <= t; s++) {
          const key = (b * T + s) * width + keyColumn;
          const value = key + G * K;
          const p = Math.exp(dot(qkv, query, qkv, key, K) * scale - logSumExp[(b * H + h) * T + t]!);
          const g = p * (dot(gradOut, mixed, qkv, value, K) - mean) * scale;
          for (let i = 0; i < K; i++) {
            gradQkv[query + i]! += g * qkv[key + i]!;
            gradQkv[key + i]! += g * qkv[query + i]!;
            gradQkv[value + i]! += p * gradOut[mixed + i]!;
          }
        }
      }
    }
}

/** As attentionFusedForward, but keys and values are read from a cache [B, S, G, K] and query t stands at slot pastLength + t. */
export function cachedAttentionForward(qkv: Floats, keyCache: Floats, valueCache: Floats, start: Int32Array, out: Floats, sizes: FusedSizes & { S: number; pastLength: number }): void {
  const { B, T, S, H, G, K, pastLength, scale, window } = sizes;
  const width = rowWidth(sizes);
  const weights = new Float64Array(S);
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++) {
      const at = (b * S * G + Math.floor((h * G) / H)) * K;
      const keys = { values: keyCache, at, stride: G * K };
      const values = { values: valueCache, at, stride: G * K };
      for (let t = 0; t < T; t++) {
        const row = b * T + t;
        attendOne(qkv, row * width + h * K, keys, values, firstSeen(start[b]!, pastLength + t, window), pastLength + t, K, scale, weights, out, (row * H + h) * K);
      }
    }
}

/** keys[r, pastLength + t] and values[r, pastLength + t] become those of row (b, t), r = rows[b] or b. Other slots keep theirs. */
export function writeKeysAndValues(qkv: Floats, keys: Floats, values: Floats, pastLength: number, S: number, sizes: Pick<FusedSizes, 'B' | 'T' | 'H' | 'G' | 'K'>, rows?: Int32Array): void {
  const { B, T, H, G, K } = sizes;
  const width = rowWidth(sizes);
  for (let b = 0; b < B; b++)
    for (let t = 0; t < T; t++) {
      const from = (b * T + t) * width + H * K;
      const to = ((rows?.[b] ?? b) * S + pastLength + t) * G * K;
      keys.set(qkv.subarray(from, from + G * K), to);
      values.set(qkv.subarray(from + G * K, from + 2 * G * K), to);
    }
}
