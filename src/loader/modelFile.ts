/**
 * A file that can be read in pieces, wherever it lies: bytes, a Blob, the cache, a disk.
 * Small files are read whole, weights never. Not for finding files (folderSource.ts).
 */
import { EngineError } from '../base/errors.ts';
import { createHasher } from './hasher.ts';

export interface ModelFile {
  readonly path: string;
  readonly sizeBytes: number;
  /** sha256 of the whole file, hex, where it was computed from these very bytes before (by the cache). */
  readonly sha256?: string;
  /**
   * Exactly the bytes [begin, end). May be a view of memory that the file shares: do not write into it.
   * @throws EngineError bad-file if the file ends before, storage
   */
  read(begin: number, end: number): Promise<Uint8Array>;
}

/** Bytes taken at a time where a whole file has to pass. */
export const PIECE_BYTES = 4 * 2 ** 20;

/** @throws EngineError bad-argument */
export function assertRange(path: string, begin: number, end: number, sizeBytes: number): void {
  if (!(begin >= 0 && begin <= end && end <= sizeBytes)) throw new EngineError('bad-argument', `${path}: bytes ${begin} to ${end} lie outside its ${sizeBytes}.`);
}

/** @param bytes borrowed for the life of the file */
export function fileOfBytes(path: string, bytes: Uint8Array): ModelFile {
  return {
    path,
    sizeBytes: bytes.byteLength,
    async read(begin, end) {
      assertRange(path, begin, end, bytes.byteLength);
      return begin === 0 && end === bytes.byteLength ? bytes : bytes.subarray(begin, end);
    },
  };
}

/** @param blob a File too; read when it is asked for */
export function fileOfBlob(path: string, blob: Blob): ModelFile {
  return {
    path,
    sizeBytes: blob.size,
    async read(begin, end) {
      assertRange(path, begin, end, blob.size);
      try {
        return new Uint8Array(await blob.slice(begin, end).arrayBuffer());
      } catch (thrown) {
        // A browser refuses when the file on disk was changed, moved or deleted after it was chosen.
        throw new EngineError('bad-file', `${path} can no longer be read (${thrown instanceof Error ? thrown.message : String(thrown)}). Was it changed or moved? Choose it again.`, { cause: thrown });
      }
    },
  };
}

/** The whole file. @throws EngineError unsupported if it is larger than `maxBytes` */
export function readWhole(file: ModelFile, maxBytes: number): Promise<Uint8Array> {
  if (file.sizeBytes > maxBytes) throw new EngineError('unsupported', `${file.path}: ${file.sizeBytes} bytes are more than such a file may have (${maxBytes}).`);
  return file.read(0, file.sizeBytes);
}

/**
 * sha256 of a file, hex, piece by piece.
 * @param onBytes told how many have passed @throws EngineError cancelled, and what reading throws
 */
export async function hashFile(file: ModelFile, onBytes?: (hashedBytes: number) => void, signal?: AbortSignal): Promise<string> {
  const hasher = createHasher('sha256');
  for (let begin = 0; begin < file.sizeBytes; begin += PIECE_BYTES) {
    signal?.throwIfAborted();
    const end = Math.min(begin + PIECE_BYTES, file.sizeBytes);
    hasher.update(await file.read(begin, end));
    onBytes?.(end);
  }
  return hasher.digest();
}
