/** One tensor as it lies in a weights file, read in pieces. Not for where it goes: the LM streams it onto the device. */
import { EngineError } from '../base/errors.ts';
import { BYTES_PER_VALUE, type StoredDtype, toFloat32 } from '../base/storedValues.ts';

export interface StoredTensor {
  readonly dtype: StoredDtype;
  readonly shape: readonly number[];
  /** Little-endian bytes [begin, end) within the tensor; may be a view of shared memory, at any alignment. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** A tensor of a weights file; values always as float32. */
export interface WeightTensor {
  /** How it was stored. */
  dtype: StoredDtype;
  shape: number[];
  /** Row-major. May be a view into the file's bytes: copy before writing into it. */
  data: Float32Array;
}

/** Bytes of a tensor of this type and shape; beyond 2^53 inexact, but larger than any file all the same. */
export function byteLengthOf({ dtype, shape }: Pick<StoredTensor, 'dtype' | 'shape'>): number {
  return shape.reduce((product, dim) => product * dim, BYTES_PER_VALUE[dtype]);
}

/** All values of a tensor as float32. For small LMs and for tests: a large LM is streamed, tensor by tensor. */
export async function readTensor(tensor: StoredTensor): Promise<WeightTensor> {
  const byteLength = byteLengthOf(tensor);
  const bytes = await tensor.read(0, byteLength);
  if (bytes.byteLength !== byteLength) throw new EngineError('bad-file', `weights: ${bytes.byteLength} of ${byteLength} bytes of a tensor could be read.`);
  return { dtype: tensor.dtype, shape: [...tensor.shape], data: toFloat32(bytes, tensor.dtype) };
}

/** `readTensor` for all of them, in their order. */
export async function readTensors(tensors: ReadonlyMap<string, StoredTensor>): Promise<Map<string, WeightTensor>> {
  const read = new Map<string, WeightTensor>();
  for (const [name, tensor] of tensors) read.set(name, await readTensor(tensor));
  return read;
}
