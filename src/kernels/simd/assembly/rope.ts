// Rotary position embedding as in rope.cpu.ts: pairs (x[i], x[i + K/2]) turned by the angle of the row's position.
import { chunkStart, multiplyAdd } from './vector';

/** rows = B·T; x and out [rows, H, K]; cos and sin [P, K/2]; positions were checked by the caller; direction is 1 or −1. */
export function rope(chunk: i32, chunks: i32, rows: i32, H: i32, K: i32, direction: f32, x: usize, cos: usize, sin: usize, positions: usize, out: usize): void {
  const half = K / 2;
  const halfBytes: usize = <usize>half * 4;
  const whole: usize = <usize>(half & ~3) * 4;
  const signs = f32x4.splat(direction);
  const begin = chunkStart(rows, chunk, chunks);
  const last = chunkStart(rows, chunk + 1, chunks);
  x += <usize>(begin * H) * 2 * halfBytes;
  out += <usize>(begin * H) * 2 * halfBytes;
  for (let r = begin; r < last; r++) {
    const angle: usize = <usize>(load<i32>(positions + <usize>r * 4) * half) * 4;
    for (let h = 0; h < H; h++) {
      let offset: usize = 0;
      for (; offset < whole; offset += 16) {
        const c = v128.load(cos + angle + offset);
        const s = f32x4.mul(v128.load(sin + angle + offset), signs);
        const low = v128.load(x + offset);
        const high = v128.load(x + offset + halfBytes);
        v128.store(out + offset, multiplyAdd(f32x4.neg(high), s, f32x4.mul(low, c)));
        v128.store(out + offset + halfBytes, multiplyAdd(low, s, f32x4.mul(high, c)));
      }
      for (; offset < halfBytes; offset += 4) {
        const c = load<f32>(cos + angle + offset);
        const s = load<f32>(sin + angle + offset) * direction;
        const low = load<f32>(x + offset);
        const high = load<f32>(x + offset + halfBytes);
        store<f32>(out + offset, low * c - high * s);
        store<f32>(out + offset + halfBytes, high * c + low * s);
      }
      x += 2 * halfBytes;
      out += 2 * halfBytes;
    }
  }
}

/** rope in place on the first `heads` heads of each row of `width` values. */
export function ropeInPlace(chunk: i32, chunks: i32, rows: i32, width: i32, heads: i32, K: i32, direction: f32, qkv: usize, cos: usize, sin: usize, positions: usize): void {
  const last = chunkStart(rows, chunk + 1, chunks);
  for (let r = chunkStart(rows, chunk, chunks); r < last; r++) {
    const row = qkv + <usize>r * <usize>width * 4;
    rope(0, 1, 1, heads, K, direction, row, cos, sin, positions + <usize>r * 4, row);
  }
}
