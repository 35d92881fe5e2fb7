// Row kernels of the head loss, as in their CPU twins (headLoss/headLoss.cpu.ts). Chunks share the rows.
import { exp1, exp4 } from './exp';
import { chunkStart, maxLanes, multiplyAdd, sumLanes } from './vector';

/** Floats kept of each row, and where they are: statsWidth and stat of the twin. */
const WIDTH: usize = 24;
const MAX: usize = 0;
const SUM: usize = 4;
const LABEL_LOGIT: usize = 8;
const ANCHOR_MAX: usize = 12;
const ANCHOR_SUM: usize = 16;
const KL_SUM: usize = 20;

function highest(row: usize, n: i32): f32 {
  const whole = n & ~3;
  let top: f32 = load<f32>(row);
  if (whole > 0) {
    let high = v128.load(row);
    for (let i = 4; i < whole; i += 4) high = f32x4.pmax(high, v128.load(row + <usize>i * 4));
    top = maxLanes(high);
  }
  for (let i = whole; i < n; i++) top = max(top, load<f32>(row + <usize>i * 4));
  return top;
}

/** Sum of exp(x - top) over n floats. */
function sumOfExp(row: usize, n: i32, top: f32): f32 {
  const whole = n & ~3;
  const offset = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) sums = f32x4.add(sums, exp4(f32x4.sub(v128.load(row + <usize>i * 4), offset)));
  let sum = sumLanes(sums);
  for (let i = whole; i < n; i++) sum += exp1(load<f32>(row + <usize>i * 4) - top);
  return sum;
}

/** The same, and the exponentials take the place of the floats. */
function sumOfExpInPlace(row: usize, n: i32, top: f32): f32 {
  const whole = n & ~3;
  const offset = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const e = exp4(f32x4.sub(v128.load(row + <usize>i * 4), offset));
    v128.store(row + <usize>i * 4, e);
    sums = f32x4.add(sums, e);
  }
  let sum = sumLanes(sums);
  for (let i = whole; i < n; i++) {
    const e = exp1(load<f32>(row + <usize>i * 4) - top);
    store<f32>(row + <usize>i * 4, e);
    sum += e;
  }
  return sum;
}

/** Sum of exp(z - top) (z - a) over n floats. */
function sumOfDifferences(row: usize, anchor: usize, n: i32, top: f32): f32 {
  const whole = n & ~3;
  const offset = f32x4.splat(top);
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const z = v128.load(row + <usize>i * 4);
    sums = multiplyAdd(exp4(f32x4.sub(z, offset)), f32x4.sub(z, v128.load(anchor + <usize>i * 4)), sums);
  }
  let sum = sumLanes(sums);
  for (let i = whole; i < n; i++) {
    const z = load<f32>(row + <usize>i * 4);
    sum += exp1(z - top) * (z - load<f32>(anchor + <usize>i * 4));
  }
  return sum;
}

/** sweepRows of the twin: mean and anchor are 0 where there is none; first and write are 0 or 1. */
export function headLossSweep(
  chunk: i32, chunks: i32, R: i32, columns: i32, from: i32, first: i32, write: i32, D: i32,
  tile: usize, labels: usize, stats: usize, mean: usize, anchor: usize,
): void {
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const row = tile + <usize>r * <usize>columns * 4;
    const s = stats + <usize>r * WIDTH;
    const before = load<f32>(s + MAX);
    let top = highest(row, columns);
    if (!first) top = max(top, before);
    const factor: f32 = first ? 0 : exp1(before - top);
    const label = load<i32>(labels + <usize>r * 4) - from;
    if (label >= 0 && label < columns) store<f32>(s + LABEL_LOGIT, load<f32>(row + <usize>label * 4));
    else if (first) store<f32>(s + LABEL_LOGIT, f32.NaN);
    if (anchor != 0) {
      const anchorRow = anchor + <usize>r * <usize>columns * 4;
      const anchorBefore = load<f32>(s + ANCHOR_MAX);
      let anchorTop = highest(anchorRow, columns);
      if (!first) anchorTop = max(anchorTop, anchorBefore);
      const anchorSum: f32 = first ? 0 : load<f32>(s + ANCHOR_SUM) * exp1(anchorBefore - anchorTop);
      store<f32>(s + ANCHOR_SUM, anchorSum + sumOfExp(anchorRow, columns, anchorTop));
      store<f32>(s + ANCHOR_MAX, anchorTop);
      const klSum: f32 = first ? 0 : load<f32>(s + KL_SUM) * factor;
      store<f32>(s + KL_SUM, klSum + sumOfDifferences(row, anchorRow, columns, top));
    }
    const sum: f32 = first ? 0 : load<f32>(s + SUM) * factor;
    store<f32>(s + SUM, sum + (write ? sumOfExpInPlace(row, columns, top) : sumOfExp(row, columns, top)));
    store<f32>(s + MAX, top);
    if (mean == 0 || first) continue;
    const means = mean + <usize>r * <usize>D * 4;
    for (let d = 0; d < D; d++) store<f32>(means + <usize>d * 4, load<f32>(means + <usize>d * 4) * factor);
  }
}

/** logitGradRows of the twin: pull and gradDistance are 0 where there is none; kept is 0 or 1. */
export function headLossLogitGrad(
  chunk: i32, chunks: i32, R: i32, columns: i32, from: i32, kept: i32,
  tile: usize, pull: usize, stats: usize, labels: usize, gradLogProbs: usize, gradDistance: usize,
): void {
  const whole = columns & ~3;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const row = tile + <usize>r * <usize>columns * 4;
    const pulls = pull + <usize>r * <usize>columns * 4;
    const s = stats + <usize>r * WIDTH;
    const logSum = load<f32>(s + SUM);
    const g = load<f32>(gradLogProbs + <usize>r * 4);
    let less = g;
    if (gradDistance != 0) less += load<f32>(gradDistance + <usize>r * 4) * load<f32>(s + ANCHOR_MAX);
    // p = kept · scale, or exp(z - max) · scale.
    const scale = exp1(-logSum);
    const top = load<f32>(s + MAX);
    const scales = f32x4.splat(scale);
    const tops = f32x4.splat(top);
    if (pull != 0) {
      const lesses = f32x4.splat(less);
      if (kept)
        for (let i = 0; i < whole; i += 4) {
          const p = f32x4.mul(v128.load(row + <usize>i * 4), scales);
          v128.store(row + <usize>i * 4, f32x4.mul(p, f32x4.sub(v128.load(pulls + <usize>i * 4), lesses)));
        }
      else
        for (let i = 0; i < whole; i += 4) {
          const p = f32x4.mul(exp4(f32x4.sub(v128.load(row + <usize>i * 4), tops)), scales);
          v128.store(row + <usize>i * 4, f32x4.mul(p, f32x4.sub(v128.load(pulls + <usize>i * 4), lesses)));
        }
    } else {
      const factors = f32x4.splat(-less * scale);
      if (kept) for (let i = 0; i < whole; i += 4) v128.store(row + <usize>i * 4, f32x4.mul(v128.load(row + <usize>i * 4), factors));
      else for (let i = 0; i < whole; i += 4) v128.store(row + <usize>i * 4, f32x4.mul(exp4(f32x4.sub(v128.load(row + <usize>i * 4), tops)), factors));
    }
    for (let i = whole; i < columns; i++) {
      const value = load<f32>(row + <usize>i * 4);
      const p = (kept ? value : exp1(value - top)) * scale;
      store<f32>(row + <usize>i * 4, p * ((pull != 0 ? load<f32>(pulls + <usize>i * 4) : 0) - less));
    }
    const label = load<i32>(labels + <usize>r * 4) - from;
    if (label < 0 || label >= columns) continue;
    const at = row + <usize>label * 4;
    store<f32>(at, load<f32>(at) + g);
  }
}

/** scaleColumnsRows of the twin: x is 0 where there is none. */
export function scaleColumns(chunk: i32, chunks: i32, R: i32, columns: i32, into: usize, factors: usize, x: usize): void {
  const whole = columns & ~3;
  const rowBytes: usize = <usize>columns * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const to = into + <usize>r * rowBytes;
    const from = x + <usize>r * rowBytes;
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      const factor = v128.load(factors + o);
      v128.store(to + o, x != 0 ? f32x4.add(v128.load(to + o), f32x4.mul(factor, v128.load(from + o))) : f32x4.mul(v128.load(to + o), factor));
    }
    for (let o = <usize>whole * 4; o < rowBytes; o += 4) {
      const factor = load<f32>(factors + o);
      store<f32>(to + o, x != 0 ? load<f32>(to + o) + factor * load<f32>(from + o) : load<f32>(to + o) * factor);
    }
  }
}
