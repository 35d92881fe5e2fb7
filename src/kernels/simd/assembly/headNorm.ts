// RMSNorm of single heads in fused rows q | k | v, as in headNorm.cpu.ts. Chunks share tokens; of the gains' gradients, columns.
import { chunkStart, dot, multiplyAdd, sumLanes } from './vector';

/** 1 / root mean square of K values. */
@inline
function scaleOf(x: usize, K: i32, eps: f32): f32 {
  return 1 / sqrt<f32>(dot(x, x, K) / <f32>K + eps);
}

function normHead(x: usize, gain: usize, out: usize, K: i32, eps: f32): void {
  const scale = scaleOf(x, K, eps);
  const factor = f32x4.splat(scale);
  const whole: usize = <usize>(K & ~3) * 4;
  const end: usize = <usize>K * 4;
  let o: usize = 0;
  for (; o < whole; o += 16) v128.store(out + o, f32x4.mul(f32x4.mul(v128.load(x + o), factor), v128.load(gain + o)));
  for (; o < end; o += 4) store<f32>(out + o, load<f32>(x + o) * scale * load<f32>(gain + o));
}

/** qkv and out [R, (H + 2G) K], gains [K]. */
export function headNorm(chunk: i32, chunks: i32, R: i32, H: i32, G: i32, K: i32, eps: f32, qkv: usize, gainQ: usize, gainK: usize, out: usize): void {
  const head: usize = <usize>K * 4;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    const at: usize = <usize>r * <usize>(H + 2 * G) * head;
    let from = qkv + at;
    let to = out + at;
    for (let h = 0; h < H + G; h++) {
      normHead(from, h < H ? gainQ : gainK, to, K, eps);
      from += head;
      to += head;
    }
    memory.copy(to, from, <usize>G * head);
  }
}

/** @returns the scale of the head */
function normHeadGrad(x: usize, gain: usize, gradOut: usize, gradX: usize, K: i32, eps: f32): f32 {
  const scale = scaleOf(x, K, eps);
  const whole: usize = <usize>(K & ~3) * 4;
  const end: usize = <usize>K * 4;
  let alongs = f32x4.splat(0);
  let o: usize = 0;
  for (; o < whole; o += 16) alongs = multiplyAdd(f32x4.mul(v128.load(gradOut + o), v128.load(gain + o)), v128.load(x + o), alongs);
  let along = sumLanes(alongs);
  for (; o < end; o += 4) along += load<f32>(gradOut + o) * load<f32>(gain + o) * load<f32>(x + o);
  const pull = (along * scale * scale) / <f32>K;
  const pulls = f32x4.splat(-pull);
  const factor = f32x4.splat(scale);
  for (o = 0; o < whole; o += 16) v128.store(gradX + o, f32x4.mul(factor, multiplyAdd(v128.load(x + o), pulls, f32x4.mul(v128.load(gradOut + o), v128.load(gain + o)))));
  for (; o < end; o += 4) store<f32>(gradX + o, scale * (load<f32>(gradOut + o) * load<f32>(gain + o) - load<f32>(x + o) * pull));
  return scale;
}

/** gradQkv is overwritten; scales [R, H + 2G] receives what headGainGrad needs. */
export function headNormGrad(
  chunk: i32, chunks: i32, R: i32, H: i32, G: i32, K: i32, eps: f32,
  qkv: usize, gainQ: usize, gainK: usize, gradOut: usize, gradQkv: usize, scales: usize,
): void {
  const head: usize = <usize>K * 4;
  const heads = H + 2 * G;
  const last = chunkStart(R, chunk + 1, chunks);
  for (let r = chunkStart(R, chunk, chunks); r < last; r++) {
    let at: usize = <usize>r * <usize>heads * head;
    for (let h = 0; h < H + G; h++) {
      store<f32>(scales + <usize>(r * heads + h) * 4, normHeadGrad(qkv + at, h < H ? gainQ : gainK, gradOut + at, gradQkv + at, K, eps));
      at += head;
    }
    memory.copy(gradQkv + at, gradOut + at, <usize>G * head);
  }
}

/** Columns of one unit of headGainGrad: a cache line, so that chunks never write the same one. */
const gainColumns: i32 = 16;

/** gradGain += sums of gradOut * qkv * scale over all tokens and their heads first .. first + count - 1, in that order. */
export function headGainGrad(chunk: i32, chunks: i32, R: i32, heads: i32, first: i32, count: i32, K: i32, qkv: usize, gradOut: usize, scales: usize, gradGain: usize): void {
  const units = (K + gainColumns - 1) / gainColumns;
  const lastUnit = chunkStart(units, chunk + 1, chunks);
  for (let unit = chunkStart(units, chunk, chunks); unit < lastUnit; unit++) {
    let c = unit * gainColumns;
    const end = min(K, c + gainColumns);
    for (; c + 4 <= end; c += 4) {
      let sum = f32x4.splat(0);
      for (let r = 0; r < R; r++)
        for (let h = first; h < first + count; h++) {
          const row = r * heads + h;
          const at: usize = (<usize>row * <usize>K + <usize>c) * 4;
          sum = multiplyAdd(f32x4.mul(v128.load(qkv + at), v128.load_splat<f32>(scales + <usize>row * 4)), v128.load(gradOut + at), sum);
        }
      const to = gradGain + <usize>c * 4;
      v128.store(to, f32x4.add(v128.load(to), sum));
    }
    for (; c < end; c++) {
      let sum: f32 = 0;
      for (let r = 0; r < R; r++)
        for (let h = first; h < first + count; h++) {
          const row = r * heads + h;
          const at: usize = (<usize>row * <usize>K + <usize>c) * 4;
          sum += load<f32>(qkv + at) * load<f32>(scales + <usize>row * 4) * load<f32>(gradOut + at);
        }
      const to = gradGain + <usize>c * 4;
      store<f32>(to, load<f32>(to) + sum);
    }
  }
}
