/** The file store of the command line: a folder on disk. Atomic writes by rename. */
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assertPath, PARTIAL_SUFFIX, toStorageError, type FileStore } from '../src/loader/fileStore.ts';

const isNotFound = (thrown: unknown) => ['ENOENT', 'ENOTDIR'].includes((thrown as { code?: string } | null)?.code ?? '');

/** @param root absolute path of the folder; made when the first file is written */
export function createNodeFileStore(root: string): FileStore {
  async function attempt<T>(action: string, body: () => Promise<T>, whenMissing: T): Promise<T> {
    try {
      return await body();
    } catch (thrown) {
      if (isNotFound(thrown)) return whenMissing;
      throw toStorageError(thrown, action);
    }
  }
  async function filesUnder(folder: string): Promise<string[]> {
    const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && !entry.name.endsWith(PARTIAL_SUFFIX))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1).replaceAll('\\', '/'))
      .sort();
  }
  return {
    kind: 'disk',
    notice: null,
    read(path) {
      assertPath(path);
      return attempt<Uint8Array | null>(`Reading ${path}`, async () => new Uint8Array(await readFile(join(root, path))), null);
    },
    async write(path, bytes) {
      assertPath(path);
      const target = join(root, path);
      try {
        await mkdir(dirname(target), { recursive: true });
        const file = await open(target + PARTIAL_SUFFIX, 'w');
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(target + PARTIAL_SUFFIX, target);
      } catch (thrown) {
        throw toStorageError(thrown, `Writing ${path}`);
      }
    },
    list(folder) {
      assertPath(folder);
      return attempt(`Listing ${folder}`, () => filesUnder(folder), []);
    },
    remove(path) {
      assertPath(path);
      return attempt<void>(`Removing ${path}`, () => rm(join(root, path), { recursive: true, force: true }), undefined);
    },
    size(path) {
      assertPath(path);
      return attempt(
        `Measuring ${path}`,
        async () => {
          const found = await stat(join(root, path));
          if (found.isFile()) return found.size;
          const sizes = await Promise.all((await filesUnder(path)).map((child) => stat(join(root, child))));
          return sizes.reduce((sum, file) => sum + file.size, 0);
        },
        0,
      );
    },
  };
}
