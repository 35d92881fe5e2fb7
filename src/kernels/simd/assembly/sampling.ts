// sampleTokens without top-k and top-p, as in sampling.cpu.ts: sums go over blocks of 256 tokens in float32, over blocks in float64.
import { exp4 } from './exp';
import { chunkStart, maxLanes, sumLanes } from './vector';

const BLOCK: i32 = 256;

/** Sum of n weights. */
@inline
function blockSum(weights: usize, n: i32): f64 {
  let sums = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) sums = f32x4.add(sums, v128.load(weights + <usize>i * 4));
  return <f64>sumLanes(sums);
}

/** Index of the token that `target` falls on, of the order of indices; the last one with a weight if rounding leaves a crumb. */
function find(weights: usize, padded: i32, target: f64, otherwise: i32): i32 {
  let last = otherwise;
  for (let from = 0; from < padded; from += BLOCK) {
    const n = min(BLOCK, padded - from);
    const at = weights + <usize>from * 4;
    const mass = blockSum(at, n);
    if (mass == 0) continue;
    if (target >= mass && from + n < padded) {
      target -= mass;
      // Should all that follow weigh nothing, this block holds the last one.
      for (let i = n - 1; i >= 0; i--)
        if (load<f32>(at + <usize>i * 4) > 0) {
          last = from + i;
          break;
        }
      continue;
    }
    for (let i = 0; i < n; i++) {
      const weight = load<f32>(at + <usize>i * 4);
      if (weight == 0) continue;
      last = from + i;
      target -= <f64>weight;
      if (target < 0) return last;
    }
  }
  return last;
}

/** logits [B, V]; uniforms [B]; ids [B] int32; greedy where inverseTemperature is 0. `weights` is scratch of V + 4 floats a chunk. */
export function sampleRows(chunk: i32, chunks: i32, B: i32, V: i32, inverseTemperature: f32, logits: usize, uniforms: usize, ids: usize, weights: usize): void {
  const padded = (V + 3) & ~3;
  weights += <usize>chunk * <usize>(V + 4) * 4;
  const end = chunkStart(B, chunk + 1, chunks);
  const whole = V & ~3;
  const infinity = f32x4.splat(Infinity);
  for (let b = chunkStart(B, chunk, chunks); b < end; b++) {
    const row = logits + <usize>b * <usize>V * 4;
    let highest = f32x4.splat(-Infinity);
    let bad = i32x4.splat(0);
    for (let i = 0; i < whole; i += 4) {
      const z = v128.load(row + <usize>i * 4);
      bad = v128.or(bad, v128.or(f32x4.ne(z, z), f32x4.eq(z, infinity)));
      highest = f32x4.pmax(highest, z);
    }
    let max = maxLanes(highest);
    let broken = v128.any_true(bad);
    for (let i = whole; i < V; i++) {
      const z = load<f32>(row + <usize>i * 4);
      if (z != z || z == Infinity) broken = true;
      if (z > max) max = z;
    }
    if (broken || max == -Infinity) {
      store<i32>(ids + <usize>b * 4, -1);
      continue;
    }
    let best = 0;
    while (load<f32>(row + <usize>best * 4) != max) best++;
    if (inverseTemperature == 0) {
      store<i32>(ids + <usize>b * 4, best);
      continue;
    }
    const factor = f32x4.splat(inverseTemperature);
    const top = f32x4.splat(max);
    // Below this exp is not exact any more, and nobody will ever draw it.
    const lowest = f32x4.splat(-86);
    for (let i = 0; i < padded; i += 4) {
      let z = v128.splat<f32>(-Infinity);
      if (i < whole) z = v128.load(row + <usize>i * 4);
      else {
        z = f32x4.replace_lane(z, 0, load<f32>(row + <usize>i * 4));
        if (i + 1 < V) z = f32x4.replace_lane(z, 1, load<f32>(row + <usize>i * 4, 4));
        if (i + 2 < V) z = f32x4.replace_lane(z, 2, load<f32>(row + <usize>i * 4, 8));
      }
      const x = f32x4.mul(f32x4.sub(z, top), factor);
      v128.store(weights + <usize>i * 4, v128.and(exp4(x), f32x4.gt(x, lowest)));
    }
    let sum: f64 = 0;
    for (let from = 0; from < padded; from += BLOCK) sum += blockSum(weights + <usize>from * 4, min(BLOCK, padded - from));
    store<i32>(ids + <usize>b * 4, find(weights, padded, <f64>load<f32>(uniforms + <usize>b * 4) * sum, best));
  }
}
