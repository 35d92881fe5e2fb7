// RMS and layer normalisation over rows, as in their CPU twins: y = (x - mean) * scale * weight + bias. RMS is the case without mean and bias.
import { chunkStart, multiplyAdd, sumLanes } from './vector';

@inline
function meanOf(x: usize, C: i32): f32 {
  const whole = C & ~3;
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) sums = f32x4.add(sums, v128.load(x + <usize>i * 4));
  let sum = sumLanes(sums);
  for (let i = whole; i < C; i++) sum += load<f32>(x + <usize>i * 4);
  return sum / <f32>C;
}

@inline
function scaleOf(x: usize, C: i32, mean: f32, eps: f32): f32 {
  const whole = C & ~3;
  const center = f32x4.splat(mean);
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const d = f32x4.sub(v128.load(x + <usize>i * 4), center);
    sums = multiplyAdd(d, d, sums);
  }
  let sum = sumLanes(sums);
  for (let i = whole; i < C; i++) {
    const d = load<f32>(x + <usize>i * 4) - mean;
    sum += d * d;
  }
  return 1 / sqrt<f32>(sum / <f32>C + eps);
}

/** y of N rows of C; centered is 1 for layer normalisation; bias is 0 where there is none. */
export function norm(chunk: i32, chunks: i32, N: i32, C: i32, centered: i32, eps: f32, x: usize, weight: usize, bias: usize, y: usize): void {
  const whole = C & ~3;
  const last = chunkStart(N, chunk + 1, chunks);
  for (let r = chunkStart(N, chunk, chunks); r < last; r++) {
    const skipped = <usize>r * <usize>C * 4;
    const from = x + skipped;
    const to = y + skipped;
    const mean: f32 = centered ? meanOf(from, C) : 0;
    const scale = scaleOf(from, C, mean, eps);
    const center = f32x4.splat(mean);
    const factor = f32x4.splat(scale);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      const scaled = f32x4.mul(f32x4.mul(f32x4.sub(v128.load(from + o), center), factor), v128.load(weight + o));
      v128.store(to + o, bias ? f32x4.add(scaled, v128.load(bias + o)) : scaled);
    }
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      store<f32>(to + o, (load<f32>(from + o) - mean) * scale * load<f32>(weight + o) + (bias ? load<f32>(bias + o) : 0));
    }
  }
}

/** gradX, plus residualGrad unless that is 0; stats [N, 2] receives mean and scale for normGainGrad. */
export function normGrad(
  chunk: i32, chunks: i32, N: i32, C: i32, centered: i32, eps: f32,
  x: usize, weight: usize, gradY: usize, residualGrad: usize, gradX: usize, stats: usize,
): void {
  const whole = C & ~3;
  const last = chunkStart(N, chunk + 1, chunks);
  for (let r = chunkStart(N, chunk, chunks); r < last; r++) {
    const skipped = <usize>r * <usize>C * 4;
    const from = x + skipped;
    const g = gradY + skipped;
    const around = residualGrad + skipped;
    const to = gradX + skipped;
    const mean: f32 = centered ? meanOf(from, C) : 0;
    const scale = scaleOf(from, C, mean, eps);
    store<f32>(stats + <usize>r * 8, mean);
    store<f32>(stats + <usize>r * 8, scale, 4);
    const center = f32x4.splat(mean);
    let plains = f32x4.splat(0);
    let alongs = f32x4.splat(0);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      const weighted = f32x4.mul(v128.load(g + o), v128.load(weight + o));
      plains = f32x4.add(plains, weighted);
      alongs = multiplyAdd(weighted, f32x4.sub(v128.load(from + o), center), alongs);
    }
    let plain = sumLanes(plains);
    let along = sumLanes(alongs);
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      const weighted = load<f32>(g + o) * load<f32>(weight + o);
      plain += weighted;
      along += weighted * (load<f32>(from + o) - mean);
    }
    // gradX = scale * (g * weight - shift - (x - mean) * pull)
    const shift: f32 = centered ? plain / <f32>C : 0;
    const pull = (along * scale * scale) / <f32>C;
    const shifts = f32x4.splat(shift);
    const pulls = f32x4.splat(-pull);
    const factor = f32x4.splat(scale);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      const weighted = f32x4.sub(f32x4.mul(v128.load(g + o), v128.load(weight + o)), shifts);
      const towards = multiplyAdd(f32x4.sub(v128.load(from + o), center), pulls, weighted);
      v128.store(to + o, residualGrad ? multiplyAdd(towards, factor, v128.load(around + o)) : f32x4.mul(towards, factor));
    }
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      const towards = load<f32>(g + o) * load<f32>(weight + o) - shift - (load<f32>(from + o) - mean) * pull;
      store<f32>(to + o, towards * scale + (residualGrad ? load<f32>(around + o) : 0));
    }
  }
}

/** Columns that one unit of normGainGrad sums: a cache line, so that chunks never write the same one. */
const gainColumns: i32 = 16;

/** gradWeight += sums over the rows of gradY * (x - mean) * scale; gradBias += sums of gradY, unless it is 0. Each sum goes over the rows in their order. */
export function normGainGrad(chunk: i32, chunks: i32, N: i32, C: i32, x: usize, gradY: usize, stats: usize, gradWeight: usize, gradBias: usize): void {
  const units = (C + gainColumns - 1) / gainColumns;
  const step: usize = <usize>C * 4;
  const lastUnit = chunkStart(units, chunk + 1, chunks);
  for (let unit = chunkStart(units, chunk, chunks); unit < lastUnit; unit++) {
    const first = unit * gainColumns;
    let c = first;
    if (c + gainColumns <= C) {
      const o: usize = <usize>c * 4;
      let w0 = f32x4.splat(0);
      let w1 = f32x4.splat(0);
      let w2 = f32x4.splat(0);
      let w3 = f32x4.splat(0);
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      let b2 = f32x4.splat(0);
      let b3 = f32x4.splat(0);
      let from = x + o;
      let g = gradY + o;
      for (let r = 0; r < N; r++) {
        const center = v128.load_splat<f32>(stats + <usize>r * 8);
        const factor = v128.load_splat<f32>(stats + <usize>r * 8, 4);
        const g0 = v128.load(g);
        const g1 = v128.load(g, 16);
        const g2 = v128.load(g, 32);
        const g3 = v128.load(g, 48);
        w0 = multiplyAdd(f32x4.mul(f32x4.sub(v128.load(from), center), factor), g0, w0);
        w1 = multiplyAdd(f32x4.mul(f32x4.sub(v128.load(from, 16), center), factor), g1, w1);
        w2 = multiplyAdd(f32x4.mul(f32x4.sub(v128.load(from, 32), center), factor), g2, w2);
        w3 = multiplyAdd(f32x4.mul(f32x4.sub(v128.load(from, 48), center), factor), g3, w3);
        b0 = f32x4.add(b0, g0);
        b1 = f32x4.add(b1, g1);
        b2 = f32x4.add(b2, g2);
        b3 = f32x4.add(b3, g3);
        from += step;
        g += step;
      }
      const w = gradWeight + o;
      v128.store(w, f32x4.add(v128.load(w), w0));
      v128.store(w, f32x4.add(v128.load(w, 16), w1), 16);
      v128.store(w, f32x4.add(v128.load(w, 32), w2), 32);
      v128.store(w, f32x4.add(v128.load(w, 48), w3), 48);
      if (gradBias) {
        const b = gradBias + o;
        v128.store(b, f32x4.add(v128.load(b), b0));
        v128.store(b, f32x4.add(v128.load(b, 16), b1), 16);
        v128.store(b, f32x4.add(v128.load(b, 32), b2), 32);
        v128.store(b, f32x4.add(v128.load(b, 48), b3), 48);
      }
      continue;
    }
    for (; c < C; c++) {
      const o: usize = <usize>c * 4;
      let gain: f32 = 0;
      let bias: f32 = 0;
      for (let r = 0; r < N; r++) {
        const g = load<f32>(gradY + o + <usize>r * step);
        gain += g * ((load<f32>(x + o + <usize>r * step) - load<f32>(stats + <usize>r * 8)) * load<f32>(stats + <usize>r * 8, 4));
        bias += g;
      }
      store<f32>(gradWeight + o, load<f32>(gradWeight + o) + gain);
      if (gradBias) store<f32>(gradBias + o, load<f32>(gradBias + o) + bias);
    }
  }
}
