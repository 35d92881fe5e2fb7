/**
 * Parameters, gradients and moments live in slabs: one float32 tensor for many of them, so that the optimizer is one program and a gradient
 * is added where the optimizer reads it. A slice is one of them. Kernels take slices wherever they take tensors.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';

/** A run of values of a slab, read or written as a tensor of `shape`. Borrows the slab. */
export interface Slice {
  slab: tf.Tensor;
  /** First value, in floats; a multiple of `sliceAlignment`. */
  offset: number;
  shape: number[];
}

/** What kernels take: a whole tensor or part of a slab. */
export type Operand = tf.Tensor | Slice;

/** Slices begin at multiples of this many floats: 256 bytes is what every WebGPU device lets a binding begin at. */
export const sliceAlignment = 64;

export const isSlice = (operand: Operand): operand is Slice => 'slab' in operand;

export const shapeOf = (operand: Operand): number[] => operand.shape;

export const sizeOf = (operand: Operand): number => tf.util.sizeFromShape(operand.shape);

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

/** @throws EngineError bad-argument if the slice does not lie in its slab or begins where no binding can */
export function assertSlice(op: string, name: string, slice: Slice): void {
  const { slab, offset, shape } = slice;
  if (offset % sliceAlignment !== 0 || offset < 0 || offset + tf.util.sizeFromShape(shape) > slab.size)
    throw new EngineError('bad-argument', `${op}: ${name} [${shape}] at ${offset} does not fit its slab of ${slab.size} values, or is not aligned to ${sliceAlignment}.`);
}

/** The values as a tensor of their own. @returns owned by the caller */
export function copyOf(operand: Operand): tf.Tensor {
  if (!isSlice(operand)) return tf.mul(operand, 1);
  return tf.tidy(() => tf.reshape(tf.slice(tf.reshape(operand.slab, [operand.slab.size]), operand.offset, sizeOf(operand)), operand.shape));
}
