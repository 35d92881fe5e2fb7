import type { StoredDtype } from '../base/storedValues.ts';

/** One parameter where it is stored, read in pieces. What a loader gives and an LM takes; not for where the bytes come from. */
export interface WeightSource {
  dtype: StoredDtype;
  shape: readonly number[];
  /** Little-endian bytes [begin, end) within the tensor. @returns a copy, owned by the caller */
  read(begin: number, end: number): Promise<Uint8Array>;
}
