/** A file store that lives as long as the page: the fallback where a browser refuses storage. Says so in its notice. */
import { EngineError } from '../base/errors.ts';
import { assertPath } from './fileStore.ts';
import { createNameLocks, inUse, type RangeStore } from './rangeStore.ts';

/** A file as the pieces it was written in: appending copies nothing twice. */
interface Pieces {
  parts: Uint8Array[];
  sizeBytes: number;
}

function readPieces({ parts, sizeBytes }: Pieces, begin: number, end: number, path: string): Uint8Array {
  if (!(begin >= 0 && begin <= end && end <= sizeBytes)) throw new EngineError('storage', `Reading ${path}: bytes ${begin} to ${end} lie outside its ${sizeBytes}.`);
  const bytes = new Uint8Array(end - begin);
  let at = 0;
  for (const part of parts) {
    const [from, to] = [Math.max(begin, at), Math.min(end, at + part.byteLength)];
    if (from < to) bytes.set(part.subarray(from - at, to - at), from - begin);
    at += part.byteLength;
    if (at >= end) break;
  }
  return bytes;
}

/** @param reason why nothing better was available, one clause; shown to the person */
export function createMemoryFileStore(reason: string | null = null): RangeStore {
  const files = new Map<string, Pieces>();
  const written = new Set<string>();
  const under = (folder: string) => [...files.keys()].filter((path) => path.startsWith(`${folder}/`)).sort();
  return {
    kind: 'memory',
    notice: reason === null ? null : `Runs and models are kept in memory only and are lost on reload: ${reason}`,
    async read(path) {
      assertPath(path);
      const file = files.get(path);
      return file ? readPieces(file, 0, file.sizeBytes, path) : null;
    },
    async write(path, bytes) {
      assertPath(path);
      files.set(path, { parts: [bytes.slice()], sizeBytes: bytes.byteLength });
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
      let bytes = files.get(path)?.sizeBytes ?? 0;
      for (const child of under(path)) bytes += files.get(child)?.sizeBytes ?? 0;
      return bytes;
    },
    async openReader(path) {
      assertPath(path);
      const file = files.get(path);
      return file ? { sizeBytes: file.sizeBytes, read: async (begin, end) => readPieces(file, begin, end, path) } : null;
    },
    async openWriter(path) {
      assertPath(path);
      if (written.has(path)) throw inUse(path);
      written.add(path);
      const file = files.get(path) ?? { parts: [], sizeBytes: 0 };
      files.set(path, file);
      return {
        get sizeBytes() {
          return file.sizeBytes;
        },
        async append(bytes) {
          file.parts.push(bytes.slice());
          file.sizeBytes += bytes.byteLength;
        },
        read: async (begin, end) => readPieces(file, begin, end, path),
        async truncate(sizeBytes) {
          const kept = readPieces(file, 0, sizeBytes, path);
          file.parts = [kept];
          file.sizeBytes = sizeBytes;
        },
        async close() {
          written.delete(path);
        },
      };
    },
    estimate: () => Promise.resolve(null),
    hasRoom: () => Promise.resolve(true),
    exclusively: createNameLocks(),
  };
}
