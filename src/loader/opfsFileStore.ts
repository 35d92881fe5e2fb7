/**
 * The file store of the browser: the origin-private file system, written with synchronous access handles (worker only).
 * Atomic writes: a `.partial` file is written and flushed, then moved over the old one. Large files are written in place, by ranges.
 */
import { assertPath, PARTIAL_SUFFIX, toStorageError } from './fileStore.ts';
import { createNameLocks, inUse, type RangeStore } from './rangeStore.ts';

/** The part of FileSystemSyncAccessHandle that is used; TypeScript's window library lacks it (it exists in workers only). */
interface SyncAccess {
  getSize(): number;
  read(bytes: Uint8Array, options: { at: number }): number;
  truncate(sizeBytes: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
/** `move` ships in Chromium, Firefox and Safari; TypeScript's library does not know it yet. */
type MovableFileHandle = FileSystemFileHandle & {
  createSyncAccessHandle(): Promise<SyncAccess>;
  move?: (parent: FileSystemDirectoryHandle, name: string) => Promise<void>;
};
type IterableDirectory = FileSystemDirectoryHandle & { entries(): AsyncIterable<[string, FileSystemHandle]> };

/** Of a fixed name, so that one which a crash left behind is used again. */
const TRIAL_FILE = `room${PARTIAL_SUFFIX}`;

const isNotFound = (thrown: unknown) => ['NotFoundError', 'TypeMismatchError'].includes((thrown as { name?: string } | null)?.name ?? '');

/**
 * Opens the store below one folder of the origin-private file system.
 * @param root folder name, made if it is missing
 * @throws EngineError storage where the browser has no such file system or refuses it (private browsing)
 */
export async function openOpfsFileStore(root = 'sidestep'): Promise<RangeStore> {
  let top: FileSystemDirectoryHandle;
  try {
    const origin = await navigator.storage.getDirectory();
    top = await origin.getDirectoryHandle(root, { create: true });
  } catch (thrown) {
    throw toStorageError(thrown, 'Opening the browser storage');
  }

  async function folderOf(names: string[], create: boolean): Promise<FileSystemDirectoryHandle | null> {
    let folder = top;
    try {
      for (const name of names) folder = await folder.getDirectoryHandle(name, { create });
      return folder;
    } catch (thrown) {
      if (!create && isNotFound(thrown)) return null;
      throw thrown;
    }
  }
  async function fileOf(path: string): Promise<File | null> {
    const names = path.split('/');
    const name = names.pop() as string;
    const folder = await folderOf(names, false);
    if (!folder) return null;
    try {
      return await (await folder.getFileHandle(name)).getFile();
    } catch (thrown) {
      if (isNotFound(thrown)) return null;
      throw thrown;
    }
  }
  async function walk(folder: FileSystemDirectoryHandle, prefix: string, out: string[]): Promise<void> {
    for await (const [name, handle] of (folder as IterableDirectory).entries()) {
      if (handle.kind === 'directory') await walk(handle as FileSystemDirectoryHandle, `${prefix}/${name}`, out);
      else if (!name.endsWith(PARTIAL_SUFFIX)) out.push(`${prefix}/${name}`);
    }
  }
  async function filesUnder(path: string): Promise<string[]> {
    const folder = await folderOf(path.split('/'), false);
    const out: string[] = [];
    if (folder) await walk(folder, path, out);
    return out.sort();
  }
  /** Writes at a place, or throws: a full disk may also show as a short write. */
  function writeAt(access: SyncAccess, bytes: Uint8Array, at: number): void {
    // Chromium answers with a number beyond any length where there is no room.
    const written = access.write(bytes, { at });
    if (written !== bytes.byteLength) throw new DOMException(`${written} of ${bytes.byteLength} bytes written`, 'QuotaExceededError');
  }
  /** Within this worker; between tabs Web Locks do it, where there are any. */
  const lockHere = createNameLocks();
  /** Runs one storage action; whatever it throws becomes an EngineError `storage`. */
  async function attempt<T>(action: string, body: () => Promise<T>): Promise<T> {
    try {
      return await body();
    } catch (thrown) {
      throw toStorageError(thrown, action);
    }
  }

  return {
    kind: 'opfs',
    notice: null,
    read(path) {
      assertPath(path);
      return attempt(`Reading ${path}`, async () => {
        const file = await fileOf(path);
        return file ? new Uint8Array(await file.arrayBuffer()) : null;
      });
    },
    write(path, bytes) {
      assertPath(path);
      return attempt(`Writing ${path}`, async () => {
        const names = path.split('/');
        const name = names.pop() as string;
        const folder = (await folderOf(names, true)) as FileSystemDirectoryHandle;
        const partial = (await folder.getFileHandle(name + PARTIAL_SUFFIX, { create: true })) as MovableFileHandle;
        if (!partial.move) {
          // Without `move`, a writable stream is the atomic way: it swaps the file in when it is closed.
          await folder.removeEntry(name + PARTIAL_SUFFIX);
          const stream = await (await folder.getFileHandle(name, { create: true })).createWritable();
          await stream.write(bytes as Uint8Array<ArrayBuffer>);
          await stream.close();
          return;
        }
        const access = await partial.createSyncAccessHandle();
        try {
          access.truncate(0);
          writeAt(access, bytes, 0);
          access.flush();
        } finally {
          access.close();
        }
        await partial.move(folder, name);
      });
    },
    list(folder) {
      assertPath(folder);
      return attempt(`Listing ${folder}`, () => filesUnder(folder));
    },
    remove(path) {
      assertPath(path);
      return attempt(`Removing ${path}`, async () => {
        const names = path.split('/');
        const name = names.pop() as string;
        const folder = await folderOf(names, false);
        try {
          await folder?.removeEntry(name, { recursive: true });
        } catch (thrown) {
          if (!isNotFound(thrown)) throw thrown;
        }
      });
    },
    size(path) {
      assertPath(path);
      return attempt(`Measuring ${path}`, async () => {
        let bytes = (await fileOf(path))?.size ?? 0;
        for (const child of await filesUnder(path)) bytes += (await fileOf(child))?.size ?? 0;
        return bytes;
      });
    },
    openReader(path) {
      assertPath(path);
      return attempt(`Opening ${path}`, async () => {
        const file = await fileOf(path);
        if (!file) return null;
        return {
          sizeBytes: file.size,
          read: (begin, end) =>
            attempt(`Reading ${path}`, async () => {
              const bytes = new Uint8Array(await file.slice(begin, end).arrayBuffer());
              if (bytes.byteLength !== end - begin) throw new RangeError(`bytes ${begin} to ${end} lie outside its ${file.size}`);
              return bytes;
            }),
        };
      });
    },
    openWriter(path) {
      assertPath(path);
      return attempt(`Opening ${path}`, async () => {
        const names = path.split('/');
        const name = names.pop() as string;
        const folder = (await folderOf(names, true)) as FileSystemDirectoryHandle;
        const access = await ((await folder.getFileHandle(name, { create: true })) as MovableFileHandle).createSyncAccessHandle();
        let sizeBytes = access.getSize();
        return {
          get sizeBytes() {
            return sizeBytes;
          },
          append: (bytes) =>
            attempt(`Writing ${path}`, async () => {
              try {
                writeAt(access, bytes, sizeBytes);
              } catch (thrown) {
                // What fitted of this piece is not counted and must not stay.
                access.truncate(sizeBytes);
                throw thrown;
              }
              sizeBytes += bytes.byteLength;
            }),
          read: (begin, end) =>
            attempt(`Reading ${path}`, async () => {
              const bytes = new Uint8Array(end - begin);
              if (access.read(bytes, { at: begin }) !== bytes.byteLength) throw new RangeError(`bytes ${begin} to ${end} lie outside its ${sizeBytes}`);
              return bytes;
            }),
          truncate: (size) =>
            attempt(`Writing ${path}`, async () => {
              access.truncate(size);
              sizeBytes = size;
            }),
          close: () =>
            attempt(`Closing ${path}`, async () => {
              try {
                access.flush();
              } finally {
                access.close();
              }
            }),
        };
      });
    },
    async estimate() {
      const { usage, quota } = await navigator.storage.estimate();
      return usage === undefined || quota === undefined ? null : { usageBytes: usage, quotaBytes: quota };
    },
    async hasRoom(bytes) {
      const trial = (await top.getFileHandle(TRIAL_FILE, { create: true })) as MovableFileHandle;
      let access: SyncAccess;
      try {
        access = await trial.createSyncAccessHandle();
      } catch (thrown) {
        // Another tab tries at this very moment; writing will tell.
        if ((thrown as { name?: string }).name === 'NoModificationAllowedError') return true;
        throw toStorageError(thrown, 'Looking for room');
      }
      try {
        // Nothing is written, but the browser counts the length. Chromium does not throw where there is no room: the file just does not grow.
        access.truncate(bytes);
        return access.getSize() === bytes;
      } catch (thrown) {
        if ((thrown as { name?: string }).name === 'QuotaExceededError') return false;
        throw toStorageError(thrown, 'Looking for room');
      } finally {
        access.truncate(0);
        access.close();
        await top.removeEntry(TRIAL_FILE);
      }
    },
    exclusively(name, body) {
      return lockHere(name, async () => {
        if (!('locks' in navigator)) return body();
        return navigator.locks.request(`${root}/${name}`, { ifAvailable: true }, (lock) => {
          if (!lock) throw inUse(name);
          return body();
        });
      });
    },
  };
}
