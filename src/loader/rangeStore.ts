/**
 * A file store for files too large for memory: written piece by piece, read by ranges. The model cache lies on it.
 * OPFS, disk and memory implement it. Not atomic: what such a file is worth, the cache's manifest says.
 */
import { EngineError } from '../base/errors.ts';
import type { FileStore } from './fileStore.ts';

/** A file being written at its end. Exclusive: nobody else has it open for writing. Close it, whatever happens. */
export interface RangeWriter {
  /** Bytes so far: those of an earlier session too. */
  readonly sizeBytes: number;
  /** @param bytes borrowed @throws EngineError storage, with `isNoSpace` for what is full */
  append(bytes: Uint8Array): Promise<void>;
  /** Bytes [begin, end) of what was written. Owned. */
  read(begin: number, end: number): Promise<Uint8Array>;
  /** Drops everything from `sizeBytes` on. */
  truncate(sizeBytes: number): Promise<void>;
  /** Writes out what is still buffered, then gives the file free. */
  close(): Promise<void>;
}

/** A file to be read. Holds nothing open between two reads. */
export interface RangeReader {
  readonly sizeBytes: number;
  /** Exactly the bytes [begin, end). @throws EngineError storage */
  read(begin: number, end: number): Promise<Uint8Array>;
}

export interface RangeStore extends FileStore {
  /** Null if there is no such file. */
  openReader(path: string): Promise<RangeReader | null>;
  /** Opens a file at its end; made if missing. @throws EngineError storage, busy if somebody else writes it */
  openWriter(path: string): Promise<RangeWriter>;
  /** What may be stored in all and what is in use, as the browser or the disk tells; null where it does not tell. */
  estimate(): Promise<{ usageBytes: number; quotaBytes: number } | null>;
  /** Whether so many bytes more would fit, by trying where that can be tried: what browsers tell of their quota is no promise. */
  hasRoom(bytes: number): Promise<boolean>;
  /** Runs `body` while nobody else, in any tab or process, runs one of the same name. @throws EngineError busy */
  exclusively<T>(name: string, body: () => Promise<T>): Promise<T>;
}

/** Of an error that a store threw: whether there was no space left. */
export function isNoSpace(error: unknown): boolean {
  const cause = (error as { cause?: { name?: unknown; code?: unknown } } | null)?.cause;
  return error instanceof EngineError && error.code === 'storage' && (cause?.name === 'QuotaExceededError' || cause?.code === 'ENOSPC');
}

/** What `exclusively` throws. */
export function inUse(name: string): EngineError {
  return new EngineError('busy', `${name} is being downloaded or changed by another tab or program. Wait for it, or close it, then try again.`);
}

/** `exclusively` within one program. */
export function createNameLocks(): <T>(name: string, body: () => Promise<T>) => Promise<T> {
  const held = new Set<string>();
  return async (name, body) => {
    if (held.has(name)) throw inUse(name);
    held.add(name);
    try {
      return await body();
    } finally {
      held.delete(name);
    }
  };
}
