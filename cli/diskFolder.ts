/** A folder on disk whose files are read in pieces, never whole. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { UsageError } from './options.ts';

/**
 * All files of a folder but hidden ones.
 * @returns by path within the folder; Blobs read from disk when they are asked
 * @throws UsageError if it is no folder
 */
export async function readDiskFolder(path: string): Promise<{ path: string; data: Blob }[]> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) throw new UsageError(`${path}: there is no such folder.`);
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile() && !entry.name.startsWith('.'));
  return Promise.all(
    entries.map(async (entry) => {
      const file = join(entry.parentPath, entry.name);
      return { path: relative(folder, file).split(sep).join('/'), data: await openAsBlob(file) };
    }),
  );
}
