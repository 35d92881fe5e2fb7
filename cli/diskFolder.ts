/** A folder on disk whose files are read in pieces, never whole. */
import { openAsBlob } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { UsageError } from './options.ts';

/**
 * All files of a folder but hidden ones, also those that links lead to: the Hugging Face cache is made of links.
 * @returns by path within the folder; Blobs read from disk when they are asked
 * @throws UsageError if it is no folder
 */
export async function readDiskFolder(path: string): Promise<{ path: string; data: Blob }[]> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) throw new UsageError(`${path}: there is no such folder.`);
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'));
  const files: { path: string; data: Blob }[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink() && !(await stat(file).catch(() => null))?.isFile()) continue;
    files.push({ path: relative(folder, file).split(sep).join('/'), data: await openAsBlob(file) });
  }
  return files;
}
