/** A file store that lives as long as the page: the fallback where a browser refuses storage. Says so in its notice. */
import { assertPath, type FileStore } from './fileStore.ts';

/** @param reason why nothing better was available, one clause; shown to the person */
export function createMemoryFileStore(reason: string | null = null): FileStore {
  const files = new Map<string, Uint8Array>();
  const under = (folder: string) => [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).sort();
  return {
    kind: 'memory',
    notice: reason === null ? null : `Runs are kept in memory only and are lost on reload: ${reason}`,
    async read(path) {
      assertPath(path);
      return files.get(path)?.slice() ?? null;
    },
    async write(path, bytes) {
      assertPath(path);
      files.set(path, bytes.slice());
    },
    async list(folder) {
      assertPath(folder);
      return under(folder);
    },
    async remove(path) {
      assertPath(path);
      files.delete(path);
      for (const child of under(path)) files.delete(child);
    },
    async size(path) {
      assertPath(path);
      let bytes = files.get(path)?.byteLength ?? 0;
      for (const child of under(path)) bytes += files.get(child)?.byteLength ?? 0;
      return bytes;
    },
  };
}
