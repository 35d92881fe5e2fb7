/**
 * Weights of 16 bits on the device, two to a word of an int32 tensor, as safetensors files hold them: value i is the lower (even i) or upper
 * (odd i) half of word i / 2. Frozen and read only; kernels decode them exactly. Not for computing in 16 bits: sums are float32.
 */
import { bfloat16ToFloat32, halfToFloat32 } from '../base/halfFloat.ts';

/** How packed values are stored: IEEE half precision, or the upper half of a float32. */
export type PackedStorage = 'f16' | 'bf16';

/** 4-byte words that `count` packed values fill. */
export const packedWords = (count: number): number => Math.ceil(count / 2);

/**
 * @param words  borrowed
 * @param offset of the first value, in values
 * @returns `count` values, owned by the caller
 */
export function decodePacked(words: Int32Array, storage: PackedStorage, offset: number, count: number): Float32Array {
  const halves = new Uint16Array(words.buffer, words.byteOffset + 2 * offset, count);
  return storage === 'f16' ? halfToFloat32(halves) : bfloat16ToFloat32(halves);
}
