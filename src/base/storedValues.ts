/** Number formats of weight files, and their values as float32. Not for where they are stored. */
import { bfloat16ToFloat32, halfToFloat32 } from './halfFloat.ts';

export type StoredDtype = 'F32' | 'F16' | 'BF16';
export const BYTES_PER_VALUE = { F32: 4, F16: 2, BF16: 2 } as const;

/** @param bytes borrowed @returns values; of F32 a view where the alignment allows it */
export function toFloat32(bytes: Uint8Array, dtype: StoredDtype): Float32Array {
  const width = BYTES_PER_VALUE[dtype];
  const aligned = bytes.byteOffset % width === 0 ? bytes : bytes.slice();
  const length = aligned.byteLength / width;
  if (dtype === 'F32') return new Float32Array(aligned.buffer, aligned.byteOffset, length);
  const halves = new Uint16Array(aligned.buffer, aligned.byteOffset, length);
  return dtype === 'F16' ? halfToFloat32(halves) : bfloat16ToFloat32(halves);
}
