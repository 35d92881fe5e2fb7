/** CPU twin of writeKvCache. */
import type { Floats } from '../floats.ts';

/** cache[b, position + t] = rows[b, t]; cache is [B, S, width], rows [B, T, width]. Other slots keep their values. */
export function writeSlots(cache: Floats, rows: Floats, B: number, position: number, width: number): void {
  const slots = cache.length / B;
  const written = rows.length / B;
  for (let b = 0; b < B; b++) cache.set(rows.subarray(b * written, (b + 1) * written), b * slots + position * width);
}
