// Dropout as in dropout.cpu.ts: the mask of a value is a hash of seed and index. Chunks share the vectors of four.
import { loadPart, storePart } from './elements';
import { chunkStart } from './vector';

/** The 32-bit hash of four counters. */
@inline
function hash4(counters: v128): v128 {
  let h = i32x4.mul(v128.xor(counters, i32x4.shr_u(counters, 16)), i32x4.splat(0x7feb352d));
  h = i32x4.mul(v128.xor(h, i32x4.shr_u(h, 15)), i32x4.splat(<i32>0x846ca68b));
  return v128.xor(h, i32x4.shr_u(h, 16));
}

/** y = x * scale where the hash is not below the threshold, else 0; n values. */
export function dropout(chunk: i32, chunks: i32, n: i32, seed: i32, threshold: i32, scale: f32, x: usize, y: usize): void {
  const step: i32 = <i32>0x9e3779b1;
  const lanes = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(0), 1, step), 2, 2 * step), 3, 3 * step);
  const limit = i32x4.splat(threshold);
  const factor = f32x4.splat(scale);
  const whole = n & ~3;
  const end = chunkStart((n + 3) >> 2, chunk + 1, chunks) << 2;
  for (let i = chunkStart((n + 3) >> 2, chunk, chunks) << 2; i < end; i += 4) {
    const o: usize = <usize>i * 4;
    const hash = hash4(v128.xor(i32x4.add(i32x4.splat(i * step), lanes), i32x4.splat(seed)));
    // 24 bits are positive as signed numbers, too.
    const dropped = i32x4.lt_s(i32x4.shr_u(hash, 8), limit);
    const part = i < whole ? 4 : n - whole;
    const kept = v128.andnot(f32x4.mul(factor, part == 4 ? v128.load(x + o) : loadPart(x + o, part)), dropped);
    if (part == 4) v128.store(y + o, kept);
    else storePart(y + o, kept, part);
  }
}
