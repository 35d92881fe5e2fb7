/** Slabs for kernel tests: slices with known values, and garbage around them that must not change. */
import * as tf from '@tensorflow/tfjs-core';
import { layOutSlices, type Slice } from '../kernels/slice.ts';

const around = 7;

/** One slab with a slice for each of the arrays, none at its beginning; everything between them is 7. The slab is owned by the caller. */
export function createSlab(parts: { shape: number[]; data: ArrayLike<number> }[]): { slab: tf.Tensor1D; slices: Slice[] } {
  const { offsets, size } = layOutSlices([[1], ...parts.map(({ shape }) => shape)]);
  const values = new Float32Array(size + 64).fill(around);
  parts.forEach(({ data }, i) => values.set(data, offsets[i + 1]!));
  const slab = tf.tensor1d(values);
  return { slab, slices: parts.map(({ shape }, i) => ({ slab, offset: offsets[i + 1]!, shape })) };
}

/** Values of each slice in a downloaded slab. @throws Error if anything between the slices changed */
export function readSlices(values: ArrayLike<number>, slices: Slice[]): Float32Array[] {
  const whole = Float32Array.from(values);
  const parts = slices.map(({ offset, shape }) => whole.slice(offset, offset + tf.util.sizeFromShape(shape)));
  for (const { offset, shape } of slices) whole.fill(around, offset, offset + tf.util.sizeFromShape(shape));
  const changed = whole.findIndex((value) => value !== around);
  if (changed >= 0) throw new Error(`The slab was written outside its slices, at ${changed}: ${whole[changed]}.`);
  return parts;
}
