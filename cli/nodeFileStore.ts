/** The file store of the command line: a folder on disk. Atomic writes by rename; large files are written in place, by ranges. */
import { constants } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assertPath, PARTIAL_SUFFIX, toStorageError } from '../src/loader/fileStore.ts';
import { createNameLocks, type RangeStore } from '../src/loader/rangeStore.ts';
import { withLockFile } from './lockFile.ts';

const isNotFound = (thrown: unknown) => ['ENOENT', 'ENOTDIR'].includes((thrown as { code?: string } | null)?.code ?? '');

async function readFrom(file: FileHandle, begin: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - begin);
  for (let at = 0; at < bytes.byteLength; ) {
    const { bytesRead } = await file.read(bytes, at, bytes.byteLength - at, begin + at);
    if (bytesRead === 0) throw new RangeError(`bytes ${begin} to ${end} lie outside it`);
    at += bytesRead;
  }
  return bytes;
}

async function readRange(path: string, begin: number, end: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    return await readFrom(file, begin, end);
  } finally {
    await file.close();
  }
}

/** Runs one storage action; whatever it throws becomes an EngineError `storage`. */
async function attemptOn<T>(action: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    throw toStorageError(thrown, action);
  }
}

/** @param root absolute path of the folder; made when the first file is written */
export function createNodeFileStore(root: string): RangeStore {
  const lockHere = createNameLocks();
  async function attempt<T>(action: string, body: () => Promise<T>, whenMissing: T): Promise<T> {
    try {
      return await body();
    } catch (thrown) {
      if (isNotFound(thrown)) return whenMissing;
      throw toStorageError(thrown, action);
    }
  }
  async function freeBytes(): Promise<number> {
    await mkdir(root, { recursive: true });
    const { bavail, bsize } = await statfs(root);
    return bavail * bsize;
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
    openReader(path) {
      assertPath(path);
      const target = join(root, path);
      return attempt(
        `Opening ${path}`,
        async () => {
          const { size } = await stat(target);
          return { sizeBytes: size, read: (begin: number, end: number) => attemptOn(`Reading ${path}`, () => readRange(target, begin, end)) };
        },
        null,
      );
    },
    async openWriter(path) {
      assertPath(path);
      const target = join(root, path);
      return attemptOn(`Opening ${path}`, async () => {
        await mkdir(dirname(target), { recursive: true });
        const file = await open(target, constants.O_RDWR | constants.O_CREAT);
        let sizeBytes = (await file.stat()).size;
        return {
          get sizeBytes() {
            return sizeBytes;
          },
          append: (bytes: Uint8Array) =>
            attemptOn(`Writing ${path}`, async () => {
              for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at, bytes.byteLength - at, sizeBytes + at)).bytesWritten;
              sizeBytes += bytes.byteLength;
            }),
          read: (begin: number, end: number) => attemptOn(`Reading ${path}`, () => readFrom(file, begin, end)),
          truncate: (size: number) =>
            attemptOn(`Writing ${path}`, async () => {
              await file.truncate(size);
              sizeBytes = size;
            }),
          close: () =>
            attemptOn(`Closing ${path}`, async () => {
              try {
                await file.sync();
              } finally {
                await file.close();
              }
            }),
        };
      });
    },
    // The disk is what limits; what others have on it is not ours to count.
    estimate: async () => ({ usageBytes: 0, quotaBytes: await freeBytes() }),
    hasRoom: async (bytes) => bytes <= (await freeBytes()),
    exclusively: (name, body) => lockHere(name, () => withLockFile(join(root, 'locks', encodeURIComponent(name)), name, body)),
  };
}
