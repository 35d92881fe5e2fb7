// RMS normalisation over rows, as in its CPU twin. Chunks share the rows.
import { chunkStart, multiplyAdd, sumLanes } from './vector';

@inline
function inverseRms(x: usize, C: i32, eps: f32): f32 {
  const whole = C & ~3;
  let sums = f32x4.splat(0);
  for (let i = 0; i < whole; i += 4) {
    const v = v128.load(x + <usize>i * 4);
    sums = multiplyAdd(v, v, sums);
  }
  let sum = sumLanes(sums);
  for (let i = whole; i < C; i++) sum += load<f32>(x + <usize>i * 4) * load<f32>(x + <usize>i * 4);
  return 1 / sqrt<f32>(sum / <f32>C + eps);
}

/** y = x / sqrt(mean(x²) + eps) · weight over N rows of C. */
export function rmsNorm(chunk: i32, chunks: i32, N: i32, C: i32, eps: f32, x: usize, weight: usize, y: usize): void {
  const whole = C & ~3;
  const first = chunkStart(N, chunk, chunks);
  const last = chunkStart(N, chunk + 1, chunks);
  x += <usize>first * <usize>C * 4;
  y += <usize>first * <usize>C * 4;
  for (let r = first; r < last; r++) {
    const scale = inverseRms(x, C, eps);
    const factor = f32x4.splat(scale);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      v128.store(y + o, f32x4.mul(f32x4.mul(v128.load(x + o), factor), v128.load(weight + o)));
    }
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      store<f32>(y + o, load<f32>(x + o) * scale * load<f32>(weight + o));
    }
    x += <usize>C * 4;
    y += <usize>C * 4;
  }
}

/** Gradient of rmsNorm with respect to x, overwritten; scales [N] receives 1 / rms of each row for rmsNormGradWeight. */
export function rmsNormGrad(chunk: i32, chunks: i32, N: i32, C: i32, eps: f32, x: usize, weight: usize, gradY: usize, gradX: usize, scales: usize): void {
  const whole = C & ~3;
  const first = chunkStart(N, chunk, chunks);
  const last = chunkStart(N, chunk + 1, chunks);
  const skipped: usize = <usize>first * <usize>C * 4;
  x += skipped;
  gradY += skipped;
  gradX += skipped;
  for (let r = first; r < last; r++) {
    const scale = inverseRms(x, C, eps);
    store<f32>(scales + <usize>r * 4, scale);
    const factor = f32x4.splat(scale);
    let sums = f32x4.splat(0);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      sums = multiplyAdd(f32x4.mul(v128.load(gradY + o), v128.load(x + o)), v128.load(weight + o), sums);
    }
    let inner = sumLanes(sums);
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      inner += load<f32>(gradY + o) * load<f32>(x + o) * load<f32>(weight + o);
    }
    const pull = (inner * scale * scale * scale) / <f32>C;
    const pulls = f32x4.splat(-pull);
    for (let i = 0; i < whole; i += 4) {
      const o: usize = <usize>i * 4;
      v128.store(gradX + o, multiplyAdd(v128.load(x + o), pulls, f32x4.mul(f32x4.mul(v128.load(gradY + o), v128.load(weight + o)), factor)));
    }
    for (let i = whole; i < C; i++) {
      const o: usize = <usize>i * 4;
      store<f32>(gradX + o, load<f32>(gradY + o) * load<f32>(weight + o) * scale - load<f32>(x + o) * pull);
    }
    x += <usize>C * 4;
    gradY += <usize>C * 4;
    gradX += <usize>C * 4;
  }
}

/** Gradient of rmsNorm with respect to weight, overwritten. Chunks share the columns: each sum goes over the rows in their order. */
export function rmsNormGradWeight(chunk: i32, chunks: i32, N: i32, C: i32, x: usize, gradY: usize, scales: usize, gradWeight: usize): void {
  const vectors = C >> 2;
  const first = chunkStart(vectors, chunk, chunks) << 2;
  const last = chunkStart(vectors, chunk + 1, chunks) << 2;
  const end = chunk == chunks - 1 ? C : last;
  memory.fill(gradWeight + <usize>first * 4, 0, <usize>(end - first) * 4);
  for (let r = 0; r < N; r++) {
    const scale = load<f32>(scales + <usize>r * 4);
    const factor = f32x4.splat(scale);
    const row: usize = <usize>r * <usize>C * 4;
    for (let i = first; i < last; i += 4) {
      const o: usize = <usize>i * 4;
      const product = f32x4.mul(v128.load(gradY + row + o), v128.load(x + row + o));
      v128.store(gradWeight + o, multiplyAdd(product, factor, v128.load(gradWeight + o)));
    }
    for (let i = last; i < end; i++) {
      const o: usize = <usize>i * 4;
      store<f32>(gradWeight + o, load<f32>(gradWeight + o) + load<f32>(gradY + row + o) * load<f32>(x + row + o) * scale);
    }
  }
}
