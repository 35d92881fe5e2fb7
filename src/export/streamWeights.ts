/** A weights file written tensor by tensor: what is done lies in Blobs, which a browser may keep on disk. Not for small ones (loader/safetensors.ts writes those whole). */
import { EngineError } from '../base/errors.ts';
import { createHasher } from '../loader/hasher.ts';
import { encodeValues, inFileOrder, writeSafetensorsHeader } from '../loader/safetensors.ts';
import type { StoredDtype } from '../base/storedValues.ts';
import { byteLengthOf } from '../loader/storedTensor.ts';

/** Written pieces are folded into a Blob whenever so many have come together. Bytes. */
const FOLD = 64 * 2 ** 20;

/** A plain loop: a hundred million values pass here. */
function isFiniteThroughout(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

export interface StreamedTensor {
  dtype: StoredDtype;
  shape: readonly number[];
  /** All values in order; borrowed until the next is asked for. */
  pieces(): AsyncIterable<Float32Array>;
}

/**
 * @param onBytes told the bytes written so far, and of how many
 * @returns the file and its sha256, hex
 * @throws EngineError bad-argument for a value that is not a number or too large for its type; what the pieces throw
 */
export async function streamSafetensors(tensors: ReadonlyMap<string, StreamedTensor>, onBytes?: (writtenBytes: number, totalBytes: number) => void | Promise<void>): Promise<{ data: Blob; sha256: string }> {
  const ordered = inFileOrder(tensors);
  const header = writeSafetensorsHeader(ordered, { format: 'pt' });
  const totalBytes = ordered.reduce((sum, [, tensor]) => sum + byteLengthOf(tensor), header.byteLength);
  const hasher = createHasher('sha256');
  let parts: BlobPart[] = [];
  let pendingBytes = 0;
  let writtenBytes = 0;
  const write = (bytes: Uint8Array): void => {
    hasher.update(bytes);
    parts.push(bytes as Uint8Array<ArrayBuffer>);
    pendingBytes += bytes.byteLength;
    writtenBytes += bytes.byteLength;
    if (pendingBytes < FOLD) return;
    parts = [new Blob(parts)];
    pendingBytes = 0;
  };
  write(header);
  for (const [name, tensor] of ordered) {
    const end = writtenBytes + byteLengthOf(tensor);
    for await (const values of tensor.pieces()) {
      if (!isFiniteThroughout(values)) throw new EngineError('bad-argument', `export: parameter "${name}" has a value that is not a number. Go back to an earlier checkpoint.`);
      const bytes = encodeValues(name, values, tensor.dtype);
      // Of float32 these are the values themselves, which may be used again.
      write(tensor.dtype === 'F32' ? bytes.slice() : bytes);
      await onBytes?.(writtenBytes, totalBytes);
    }
    if (writtenBytes !== end) throw new EngineError('internal', `export: parameter "${name}" [${tensor.shape}] was not written whole.`);
  }
  return { data: new Blob(parts, { type: 'application/octet-stream' }), sha256: hasher.digest() };
}
