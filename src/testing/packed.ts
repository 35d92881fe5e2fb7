/** Packed weights for kernel tests, with the float32 values that they stand for. */
import * as tf from '@tensorflow/tfjs-core';
import { bfloat16ToFloat32, halfToFloat32, toHalfBits } from '../base/halfFloat.ts';
import { allocateTensor, writeTensorBytes } from '../kernels/deviceBuffer.ts';
import type { PackedStorage } from '../kernels/packed.ts';
import type { Slice } from '../kernels/slice.ts';

export const packedStorages: PackedStorage[] = ['f16', 'bf16'];

/** Bits of values as a file would store them; bf16 by cutting off. */
export function packBits(values: Float32Array, storage: PackedStorage): Uint16Array {
  if (storage === 'f16') return Uint16Array.from(values, toHalfBits);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Uint16Array.from(bits, (word) => word >>> 16);
}

export interface PackedExample {
  /** In the middle of a slab of its own, with other bits around it. */
  slice: Slice;
  /** The same values as float32, exactly. */
  decoded: Float32Array;
}

/** A packed slice of the given bits; its slab is owned by the caller. */
export function packedSliceOf(halves: Uint16Array, shape: number[], storage: PackedStorage): PackedExample {
  const offset = 128;
  const slab = allocateTensor([(Math.ceil(halves.length / 128) + 2) * 64], 'int32');
  const all = new Uint16Array(2 * slab.size).fill(0x7e01);
  all.set(halves, offset);
  writeTensorBytes(slab, 0, new Uint8Array(all.buffer));
  return { slice: { slab, offset, shape, storage }, decoded: storage === 'f16' ? halfToFloat32(halves) : bfloat16ToFloat32(halves) };
}

/** A packed slice of values near the given ones. */
export const packedSlice = (values: Float32Array, shape: number[], storage: PackedStorage): PackedExample => packedSliceOf(packBits(values, storage), shape, storage);

/** Every bit pattern of 16 bits but NaN: zeros, subnormals and infinities among them. */
export function allBits(storage: PackedStorage): Uint16Array {
  const [exponent, mantissa] = storage === 'f16' ? [0x7c00, 0x3ff] : [0x7f80, 0x7f];
  return Uint16Array.from({ length: 65536 }, (_, i) => i).filter((bits) => (bits & exponent) !== exponent || (bits & mantissa) === 0);
}

/** Bits of float32 values: −0 and 0 differ. */
export const bitsOf = (values: ArrayLike<number>): Int32Array => new Int32Array(Float32Array.from(values).buffer);

/** tf.tensor of decoded values. */
export const decodedTensor = ({ decoded, slice }: PackedExample): tf.Tensor => tf.tensor(decoded, slice.shape);
