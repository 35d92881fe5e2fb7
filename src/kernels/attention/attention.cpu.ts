/** CPU twin of causal attention: pure functions on flat arrays. */
import type { Floats } from '../floats.ts';

/** Sizes of one attention call: q is [B, T, H, K], k and v are [B, S, G, K], logSumExp is [B, H, T]. */
export interface AttentionSizes {
  B: number;
  T: number;
  S: number;
  H: number;
  G: number;
  K: number;
  /** Absolute slot of the first query. */
  pastLength: number;
}

function scaledDot(a: Floats, aBase: number, b: Floats, bBase: number, K: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < K; i += 4) {
    s0 += a[aBase + i]! * b[bBase + i]!;
    s1 += a[aBase + i + 1]! * b[bBase + i + 1]!;
    s2 += a[aBase + i + 2]! * b[bBase + i + 2]!;
    s3 += a[aBase + i + 3]! * b[bBase + i + 3]!;
  }
  for (; i < K; i++) s0 += a[aBase + i]! * b[bBase + i]!;
  return s0 + s1 + s2 + s3;
}

/**
 * out[b, t, h] = Σ_s softmax_s(q·k / √K) v over start[b] ≤ s ≤ pastLength + t; head h reads key group floor(h·G/H).
 * Queries with no slot to attend to give zeros (and logSumExp 0). out and logSumExp are overwritten.
 */
export function attentionForward(q: Floats, k: Floats, v: Floats, start: Int32Array, out: Floats, logSumExp: Floats, sizes: AttentionSizes): void {
  const { B, T, S, H, G, K, pastLength } = sizes;
  const scale = 1 / Math.sqrt(K);
  const weights = new Float64Array(S);
  for (let b = 0; b < B; b++) {
    const first = Math.max(0, start[b]!);
    for (let h = 0; h < H; h++) {
      const keyBase = (b * S * G + Math.floor((h * G) / H)) * K;
      const keyStride = G * K;
      for (let t = 0; t < T; t++) {
        const row = ((b * T + t) * H + h) * K;
        const last = Math.min(S - 1, pastLength + t);
        out.fill(0, row, row + K);
        logSumExp[(b * H + h) * T + t] = 0;
        if (last < first) continue;
        let max = -Infinity;
        for (let s = first; s <= last; s++) {
          const score = scaledDot(q, row, k, keyBase + s * keyStride, K) * scale;
          weights[s] = score;
          if (score > max) max = score;
        }
        let sum = 0;
        for (let s = first; s <= last; s++) {
          const e = Math.exp(weights[s]! - max);
          weights[s] = e;
          sum += e;
        }
        const inverse = 1 / sum;
        for (let s = first; s <= last; s++) {
          const p = weights[s]! * inverse;
          const value = keyBase + s * keyStride;
          for (let i = 0; i < K; i++) out[row + i]! += p * v[value + i]!;
        }
        logSumExp[(b * H + h) * T + t] = max + Math.log(sum);
      }
    }
  }
}

/** Gradients of attentionForward; gradQ, gradK and gradV are overwritten. Probabilities are recomputed from logSumExp. */
export function attentionBackward(
  q: Floats,
  k: Floats,
  v: Floats,
  start: Int32Array,
  out: Floats,
  logSumExp: Floats,
  gradOut: Floats,
  gradQ: Floats,
  gradK: Floats,
  gradV: Floats,
  sizes: AttentionSizes,
): void {
  const { B, T, S, H, G, K, pastLength } = sizes;
  const scale = 1 / Math.sqrt(K);
  gradQ.fill(0);
  gradK.fill(0);
  gradV.fill(0);
  for (let b = 0; b < B; b++) {
    const first = Math.max(0, start[b]!);
    for (let h = 0; h < H; h++) {
      const keyBase = (b * S * G + Math.floor((h * G) / H)) * K;
      const keyStride = G * K;
      for (let t = 0; t < T; t++) {
        const row = ((b * T + t) * H + h) * K;
        const last = Math.min(S - 1, pastLength + t);
        const total = logSumExp[(b * H + h) * T + t]!;
        const meanGrad = scaledDot(gradOut, row, out, row, K);
        for (let s = first; s <= last; s++) {
          const slot = keyBase + s * keyStride;
          const p = Math.exp(scaledDot(q, row, k, slot, K) * scale - total);
          const g = p * (scaledDot(gradOut, row, v, slot, K) - meanGrad) * scale;
          for (let i = 0; i < K; i++) {
            gradV[slot + i]! += p * gradOut[row + i]!;
            gradQ[row + i]! += g * k[slot + i]!;
            gradK[slot + i]! += g * q[row + i]!;
          }
        }
      }
    }
  }
}
