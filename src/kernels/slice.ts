/**
 * Parameters, gradients and moments live in slabs: one float32 tensor for many of them, so that the optimizer is one program and a gradient
 * is added where the optimizer reads it. A slice is one of them. Kernels take slices wherever they take tensors.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { type PackedStorage, packedWords } from './packed.ts';

/** A run of values of a slab, read or written as a tensor of `shape`. Borrows the slab. */
export interface Slice {
  /** float32, or int32 where values are packed. */
  slab: tf.Tensor;
  /** First value, in values; a multiple of `sliceAlignment`, of twice that where they are packed. */
  offset: number;
  shape: number[];
  /** Left out for float32. Packed values are frozen, and only kernels that say so read them. */
  storage?: PackedStorage;
}

/** What kernels take: a whole tensor or part of a slab. */
export type Operand = tf.Tensor | Slice;

/** Slices begin at multiples of this many floats: 256 bytes is what every WebGPU device lets a binding begin at. */
export const sliceAlignment = 64;

export const isSlice = (operand: Operand): operand is Slice => 'slab' in operand;

export const shapeOf = (operand: Operand): number[] => operand.shape;

export const sizeOf = (operand: Operand): number => tf.util.sizeFromShape(operand.shape);

/** How an operand's values are stored; undefined for float32. */
export const storageOf = (operand: Operand): PackedStorage | undefined => (isSlice(operand) ? operand.storage : undefined);

/** Bytes of one value of an operand. */
export const bytesPerValue = (operand: Operand): number => (storageOf(operand) ? 2 : 4);

/** The tensor that holds the values. */
export const tensorOf = (operand: Operand): tf.Tensor => (isSlice(operand) ? operand.slab : operand);

/** Where each of some shapes begins when they are laid out one after the other, aligned; and how many floats that takes. */
export function layOutSlices(shapes: readonly (readonly number[])[]): { offsets: number[]; size: number } {
  let size = 0;
  const offsets = shapes.map((shape) => {
    const offset = size;
    size += Math.ceil(tf.util.sizeFromShape([...shape]) / sliceAlignment) * sliceAlignment;
    return offset;
  });
  return { offsets, size };
}

/** @throws EngineError bad-argument if the slice does not lie in its slab, begins where no binding can, or its slab is not of its storage */
export function assertSlice(op: string, name: string, slice: Slice): void {
  const { slab, offset, shape, storage } = slice;
  const end = offset + tf.util.sizeFromShape(shape);
  const alignment = storage ? 2 * sliceAlignment : sliceAlignment;
  if (offset % alignment !== 0 || offset < 0 || (storage ? packedWords(end) : end) > slab.size)
    throw new EngineError('bad-argument', `${op}: ${name} [${shape}] at ${offset} does not fit its slab of ${storage ? 2 * slab.size : slab.size} values, or is not aligned to ${alignment}.`);
  if (storage && slab.dtype !== 'int32') throw new EngineError('bad-argument', `${op}: ${name} is said to be packed as ${storage}, but its slab is ${slab.dtype}, not int32.`);
}

/** The values as a tensor of their own. @returns owned by the caller @throws EngineError bad-argument for packed values, which readValues reads */
export function copyOf(operand: Operand): tf.Tensor {
  if (!isSlice(operand)) return tf.mul(operand, 1);
  if (operand.storage) throw new EngineError('bad-argument', `copyOf: the values are packed as ${operand.storage}.`);
  return tf.tidy(() => tf.reshape(tf.slice(tf.reshape(operand.slab, [operand.slab.size]), operand.offset, sizeOf(operand)), operand.shape));
}
