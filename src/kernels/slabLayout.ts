/** Named values in one slab: where each lies, and the way in and out on the host. */
import { EngineError } from '../base/errors.ts';

/** A place in a slab, in floats. */
export interface Place {
  offset: number;
  shape: number[];
}

export interface SlabLayout {
  /** Every value, in the order they are listed to people. Those that only the host reads by themselves need not be aligned. */
  places: ReadonlyMap<string, Place>;
  /** Floats of the slab, padding included. */
  size: number;
  /** Matrices lie before this, vectors (which have no weight decay) from here on. */
  matrixSize: number;
}

/** Values outside tfjs; row-major. */
export interface NamedValues {
  shape: number[];
  data: Float32Array;
}

const countOf = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Everything as one array. @throws EngineError bad-argument for missing values, bad-shape for misshapen ones */
export function packSlab(layout: SlabLayout, values: ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>): Float32Array {
  const all = new Float32Array(layout.size);
  for (const [name, { offset, shape }] of layout.places) {
    const found = values.get(name);
    if (!found) throw new EngineError('bad-argument', `LM: parameter "${name}" is missing.`);
    if (String(found.shape) !== String(shape) || found.data.length !== countOf(shape))
      throw new EngineError('bad-shape', `LM: parameter "${name}" is [${found.shape}] with ${found.data.length} values, expected [${shape}].`);
    all.set(found.data, offset);
  }
  return all;
}

/** The parts of an array laid out so. @param all borrowed @returns copies, owned by the caller */
export function unpackSlab(layout: SlabLayout, all: Float32Array): Map<string, NamedValues> {
  return new Map([...layout.places].map(([name, { offset, shape }]) => [name, { shape: [...shape], data: all.slice(offset, offset + countOf(shape)) }]));
}
