/** CPU twin of headNorm: pure functions on flat arrays of fused rows q | k | v. */
import type { Floats } from '../floats.ts';
import { rmsNormBackward, rmsNormForward } from '../rmsNorm/rmsNorm.cpu.ts';

/** A row holds H query heads, G key heads and G value heads of K values. */
export interface HeadNormSizes {
  H: number;
  G: number;
  K: number;
  eps: number;
}

/** Where queries, keys and values of a row begin, and where the next row does. */
const columnsOf = ({ H, G, K }: HeadNormSizes): { keys: number; values: number; width: number } => ({ keys: H * K, values: (H + G) * K, width: (H + 2 * G) * K });

/** Every query head and every key head of qkv over its root mean square, times the gain of its kind; values are copied. gainQ and gainK [K]. */
export function headNormForward(qkv: Floats, gainQ: Floats, gainK: Floats, out: Floats, sizes: HeadNormSizes): void {
  const { K, eps } = sizes;
  const { keys, values, width } = columnsOf(sizes);
  for (let row = 0; row < qkv.length; row += width) {
    rmsNormForward(qkv.subarray(row, row + keys), gainQ, out.subarray(row, row + keys), K, eps);
    rmsNormForward(qkv.subarray(row + keys, row + values), gainK, out.subarray(row + keys, row + values), K, eps);
    out.set(qkv.subarray(row + values, row + width), row + values);
  }
}

/** Gradients of headNormForward: gradQkv is overwritten, gradGainQ and gradGainK [K] are added to unless null. */
export function headNormBackward(
  qkv: Floats,
  gainQ: Floats,
  gainK: Floats,
  gradOut: Floats,
  gradQkv: Floats,
  gradGainQ: Floats | null,
  gradGainK: Floats | null,
  sizes: HeadNormSizes,
): void {
  const { K, eps } = sizes;
  const { keys, values, width } = columnsOf(sizes);
  const part = (gain: Floats, gradGain: Floats | null, from: number, to: number): void =>
    rmsNormBackward(qkv.subarray(from, to), gain, gradOut.subarray(from, to), null, gradQkv.subarray(from, to), gradGain, K, eps);
  for (let row = 0; row < qkv.length; row += width) {
    part(gainQ, gradGainQ, row, row + keys);
    part(gainK, gradGainK, row + keys, row + values);
    gradQkv.set(gradOut.subarray(row + values, row + width), row + values);
  }
}
