// Causal attention as in attention.cpu.ts, four key slots at a time. Layouts: q, out [B, T, H, K]; k, v [B, S, G, K];
// logSumExp [B, H, T]; all dense float32. Chunks share the pairs of batch row and head; in the gradient the pairs of batch row and key
// head, because the query heads of a group add to the same keys. `scores` is scratch of S + 4 floats a chunk.
import { addScaled4, dot4 } from './cachedAttention';
import { exp1, exp4 } from './exp';
import { addScaled, chunkStart, dot, maxLanes, multiplyAdd, sumLanes, sumLanes4 } from './vector';

@external('env', 'log')
declare function naturalLog(x: f64): f64;

export function attention(
  chunk: i32, chunks: i32,
  B: i32, T: i32, S: i32, H: i32, G: i32, K: i32, past: i32, scale: f32,
  q: usize, k: usize, v: usize, start: usize, out: usize, logSumExp: usize, scores: usize,
): void {
  const rowBytes: usize = <usize>K * 4;
  const step: usize = <usize>G * rowBytes;
  scores += <usize>chunk * <usize>(S + 4) * 4;
  const last = chunkStart(B * H, chunk + 1, chunks);
  for (let pair = chunkStart(B * H, chunk, chunks); pair < last; pair++) {
    const b = pair / H;
    const h = pair % H;
    const first = max(0, load<i32>(start + <usize>b * 4));
    {
      const base: usize = <usize>(b * S * G + (h * G) / H) * rowBytes;
      for (let t = 0; t < T; t++) {
        const row: usize = <usize>((b * T + t) * H + h) * rowBytes;
        const total = logSumExp + <usize>((b * H + h) * T + t) * 4;
        memory.fill(out + row, 0, rowBytes);
        store<f32>(total, 0);
        const end = min(S, past + t + 1);
        const count = end - first;
        if (count <= 0) continue;
        const keys = k + base + <usize>first * step;
        const values = v + base + <usize>first * step;
        let s = 0;
        for (; s + 4 <= count; s += 4) v128.store(scores + <usize>s * 4, f32x4.mul(dot4(q + row, keys + <usize>s * step, step, K), f32x4.splat(scale)));
        for (; s < count; s++) store<f32>(scores + <usize>s * 4, dot(q + row, keys + <usize>s * step, K) * scale);
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
        for (s = 0; s + 4 <= count; s += 4) addScaled4(out + row, values + <usize>s * step, step, f32x4.mul(v128.load(scores + <usize>s * 4), inverse), K);
        for (; s < count; s++) addScaled(out + row, values + <usize>s * step, load<f32>(scores + <usize>s * 4) / sum, K);
        store<f32>(total, top + <f32>naturalLog(sum));
      }
    }
  }
}

/** Gradients; gradQ, gradK and gradV are overwritten. Probabilities are recomputed from logSumExp. */
export function attentionGrad(
  chunk: i32, chunks: i32,
  B: i32, T: i32, S: i32, H: i32, G: i32, K: i32, past: i32, scale: f32,
  q: usize, k: usize, v: usize, start: usize, out: usize, logSumExp: usize, gradOut: usize, gradQ: usize, gradK: usize, gradV: usize,
): void {
  const rowBytes: usize = <usize>K * 4;
  const step: usize = <usize>G * rowBytes;
  const last = chunkStart(B * G, chunk + 1, chunks);
  for (let pair = chunkStart(B * G, chunk, chunks); pair < last; pair++) {
    const b = pair / G;
    const group = pair % G;
    const first = max(0, load<i32>(start + <usize>b * 4));
    const base: usize = <usize>(b * S * G + group) * rowBytes;
    for (let s = 0; s < S; s++) {
      memory.fill(gradK + base + <usize>s * step, 0, rowBytes);
      memory.fill(gradV + base + <usize>s * step, 0, rowBytes);
    }
    for (let h = 0; h < H; h++) {
      if ((h * G) / H != group) continue;
      for (let t = 0; t < T; t++) {
        const row: usize = <usize>((b * T + t) * H + h) * rowBytes;
        memory.fill(gradQ + row, 0, rowBytes);
        const total = load<f32>(logSumExp + <usize>((b * H + h) * T + t) * 4);
        const d = gradOut + row;
        const mean = dot(d, out + row, K);
        const end = min(S, past + t + 1);
        let s = first;
        for (; s + 4 <= end; s += 4) {
          const slot: usize = base + <usize>s * step;
          const p = exp4(f32x4.sub(f32x4.mul(dot4(q + row, k + slot, step, K), f32x4.splat(scale)), f32x4.splat(total)));
          const g = f32x4.mul(f32x4.mul(p, f32x4.sub(dot4(d, v + slot, step, K), f32x4.splat(mean))), f32x4.splat(scale));
          addScaled4(gradQ + row, k + slot, step, g, K);
          addScaled(gradV + slot, d, f32x4.extract_lane(p, 0), K);
          addScaled(gradV + slot + step, d, f32x4.extract_lane(p, 1), K);
          addScaled(gradV + slot + 2 * step, d, f32x4.extract_lane(p, 2), K);
          addScaled(gradV + slot + 3 * step, d, f32x4.extract_lane(p, 3), K);
          addScaled(gradK + slot, q + row, f32x4.extract_lane(g, 0), K);
          addScaled(gradK + slot + step, q + row, f32x4.extract_lane(g, 1), K);
          addScaled(gradK + slot + 2 * step, q + row, f32x4.extract_lane(g, 2), K);
          addScaled(gradK + slot + 3 * step, q + row, f32x4.extract_lane(g, 3), K);
        }
        for (; s < end; s++) {
          const slot: usize = base + <usize>s * step;
          const p = exp1(dot(q + row, k + slot, K) * scale - total);
          const g = p * (dot(d, v + slot, K) - mean) * scale;
          addScaled(gradQ + row, k + slot, g, K);
          addScaled(gradV + slot, d, p, K);
          addScaled(gradK + slot, q + row, g, K);
        }
      }
    }
  }
}
