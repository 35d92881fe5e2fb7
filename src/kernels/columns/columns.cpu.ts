/** CPU twins of takeColumns and addColumns. */
import type { Floats } from '../floats.ts';

/** part [R, count] = scale · columns `from` to `from + count` of x [R, W] */
export function takeColumnsForward(x: Floats, part: Floats, sizes: ColumnSizes): void {
  const { R, W, from, count, scale } = sizes;
  for (let r = 0; r < R; r++) for (let j = 0; j < count; j++) part[r * count + j] = scale * x[r * W + from + j]!;
}

/** columns `from` to `from + count` of into [R, W] += scale · part [R, count] */
export function addColumnsForward(into: Floats, part: Floats, sizes: ColumnSizes): void {
  const { R, W, from, count, scale } = sizes;
  for (let r = 0; r < R; r++) for (let j = 0; j < count; j++) into[r * W + from + j]! += scale * part[r * count + j]!;
}

export interface ColumnSizes {
  R: number;
  /** Columns of the wide one. */
  W: number;
  /** First of `count` columns. */
  from: number;
  count: number;
  scale: number;
}
