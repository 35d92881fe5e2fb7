/**
 * Where the engine keeps what must outlive a page: runs, checkpoints. One interface for OPFS, memory and disk.
 * Not for model downloads, and not for the person's documents (those live in the studio's own database).
 */
import { EngineError } from '../base/errors.ts';

/** Files by relative path ("runs/7/run.json"). Paths are checked with `assertPath`. */
export interface FileStore {
  readonly kind: 'opfs' | 'memory' | 'disk';
  /** What a person should know of this store, e.g. that nothing survives a reload; null if there is nothing to say. */
  readonly notice: string | null;
  /** The whole file, owned by the caller; null if it does not exist. @throws EngineError storage */
  read(path: string): Promise<Uint8Array | null>;
  /**
   * Writes the whole file, or nothing: a reader sees the old bytes or the new ones, also after a crash in between.
   * @param bytes borrowed @throws EngineError storage when the quota is exceeded or access is refused
   */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Paths of all files under a folder, at any depth, sorted. Empty if there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** Removes a file, or a folder with all it holds. Nothing happens if it does not exist. */
  remove(path: string): Promise<void>;
  /** Bytes of a file, or of all files under a folder; 0 if it does not exist. */
  size(path: string): Promise<number>;
}

/** The ending of files that are being written; a crash may leave one behind, `list` never shows it. */
export const PARTIAL_SUFFIX = '.partial';

/** @throws EngineError bad-argument unless `path` is a relative path of plain names */
export function assertPath(path: string): void {
  const names = path.split('/');
  const bad = names.some((name) => name === '' || name === '.' || name === '..' || /[\\:\0]/.test(name) || name.endsWith(PARTIAL_SUFFIX));
  if (bad) throw new EngineError('bad-argument', `"${path}" is not a path inside the file store.`);
}

/** Turns whatever a storage API threw into an EngineError `storage` that says what to do. */
export function toStorageError(thrown: unknown, action: string): EngineError {
  const name = (thrown as { name?: unknown } | null)?.name;
  const code = (thrown as { code?: unknown } | null)?.code;
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  if (name === 'QuotaExceededError' || code === 'ENOSPC')
    return new EngineError('storage', `${action}: no space left. Delete runs you no longer need, or free disk space, then resume the run.`, { cause: thrown });
  if (name === 'SecurityError' || name === 'NotAllowedError' || code === 'EACCES' || code === 'EPERM')
    return new EngineError('storage', `${action}: storage was refused (${text}). Leave private browsing, or allow this site to store data.`, { cause: thrown });
  if (name === 'NoModificationAllowedError')
    return new EngineError('storage', `${action}: the file is in use, probably by another tab of this studio. Close the other tab.`, { cause: thrown });
  return new EngineError('storage', `${action}: ${text}`, { cause: thrown });
}
