/** Files to one zip archive. For folders that fit in memory; the same files give the same bytes. */
import { zipSync } from 'fflate';
import { EngineError } from '../base/errors.ts';

/** A file to be saved; bytes are owned by whoever holds the list. */
export interface ExportFile {
  /** Relative, with forward slashes. */
  path: string;
  bytes: Uint8Array;
}

/** Earliest time that zip can say; a constant, so that archives can be compared. */
const MTIME = new Date(1980, 0, 1);
/** Already dense: packing again costs time and saves nothing. */
const DENSE = /\.(safetensors|zip|png|jpg)$/i;

/**
 * @param files borrowed
 * @param folder put before every path, if given
 * @throws EngineError bad-argument for a path that is taken twice or leads out of the folder
 */
export function zipFiles(files: readonly ExportFile[], folder?: string): Uint8Array {
  const entries: Record<string, [Uint8Array, { level: 0 | 6; mtime: Date }]> = {};
  for (const { path, bytes } of files) {
    const name = folder ? `${folder}/${path}` : path;
    if (name.startsWith('/') || name.split('/').includes('..')) throw new EngineError('bad-argument', `zip: "${name}" leads out of the archive.`);
    if (Object.hasOwn(entries, name)) throw new EngineError('bad-argument', `zip: "${name}" occurs twice.`);
    entries[name] = [bytes, { level: DENSE.test(name) ? 0 : 6, mtime: MTIME }];
  }
  return zipSync(entries);
}
