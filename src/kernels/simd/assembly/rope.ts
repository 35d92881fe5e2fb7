// Rotary position embedding as in rope.cpu.ts: pairs (x[i], x[i + D/2]) of a head's first D values turned by the angle of the row's position.
import { chunkStart, multiplyAdd } from './vector';

/** In place on the first `heads` heads of each row of `width` values; cos and sin [P, D/2]; positions were checked by the caller; direction is 1 or −1. */
export function ropeInPlace(chunk: i32, chunks: i32, rows: i32, width: i32, heads: i32, K: i32, D: i32, direction: f32, qkv: usize, cos: usize, sin: usize, positions: usize): void {
  const half = D / 2;
  const halfBytes: usize = <usize>half * 4;
  const whole: usize = <usize>(half & ~3) * 4;
  const signs = f32x4.splat(direction);
  const last = chunkStart(rows, chunk + 1, chunks);
  for (let r = chunkStart(rows, chunk, chunks); r < last; r++) {
    const angle: usize = <usize>(load<i32>(positions + <usize>r * 4) * half) * 4;
    let x = qkv + <usize>r * <usize>width * 4;
    for (let h = 0; h < heads; h++) {
      let offset: usize = 0;
      for (; offset < whole; offset += 16) {
        const c = v128.load(cos + angle + offset);
        const s = f32x4.mul(v128.load(sin + angle + offset), signs);
        const low = v128.load(x + offset);
        const high = v128.load(x + offset + halfBytes);
        v128.store(x + offset, multiplyAdd(f32x4.neg(high), s, f32x4.mul(low, c)));
        v128.store(x + offset + halfBytes, multiplyAdd(low, s, f32x4.mul(high, c)));
      }
      for (; offset < halfBytes; offset += 4) {
        const c = load<f32>(cos + angle + offset);
        const s = load<f32>(sin + angle + offset) * direction;
        const low = load<f32>(x + offset);
        const high = load<f32>(x + offset + halfBytes);
        store<f32>(x + offset, low * c - high * s);
        store<f32>(x + offset + halfBytes, high * c + low * s);
      }
      x += <usize>K * 4;
    }
  }
}
