/**
 * Files of a model folder by relative path, wherever they lie. Here: files that a person gave.
 * Not for what is in them (modelFolder.ts); addresses are in fetchFolder.ts, downloads in modelCache.ts.
 */
import { EngineError } from '../base/errors.ts';
import { fileOfBlob, fileOfBytes, type ModelFile } from './modelFile.ts';

export interface FolderSource {
  /** All paths; null where that cannot be known (over HTTP). */
  list(): Promise<string[] | null>;
  /**
   * Null if there is no such file.
   * @param onBytes where opening means fetching: bytes so far, and of how many (null if unknown)
   * @throws EngineError network, cancelled, storage
   */
  open(path: string, onBytes?: (loadedBytes: number, totalBytes: number | null) => void): Promise<ModelFile | null>;
}

/** A file as a person or a program gives it. */
export type GivenFile = { path: string; data: Blob | Uint8Array } | { path: string; bytes: Uint8Array };

/** @param given borrowed for the life of the file */
export function fileOf(given: GivenFile): ModelFile {
  const data = 'data' in given ? given.data : given.bytes;
  return data instanceof Uint8Array ? fileOfBytes(given.path, data) : fileOfBlob(given.path, data);
}

/** What an archive or a file manager adds. */
const NOT_OF_THE_MODEL = /(^|\/)(__MACOSX\/|\.DS_Store$)|\/$/;

/**
 * Files that are already here. A folder around all of them ("my-model/config.json") is stripped.
 * @param files borrowed; the folder keeps references to them
 * @throws EngineError bad-argument if two files have the same path
 */
export function folderOfFiles(files: readonly ModelFile[]): FolderSource {
  const config = files.map(({ path }) => path).filter((path) => /(^|\/)config\.json$/.test(path) && !NOT_OF_THE_MODEL.test(path)).sort((a, b) => a.split('/').length - b.split('/').length)[0];
  const prefix = config === undefined ? '' : config.slice(0, -'config.json'.length);
  const byPath = new Map<string, ModelFile>();
  for (const file of files) {
    if (!file.path.startsWith(prefix) || NOT_OF_THE_MODEL.test(file.path)) continue;
    const path = file.path.slice(prefix.length);
    if (byPath.has(path)) throw new EngineError('bad-argument', `Two files are called "${path}". Give the files of one model only.`);
    byPath.set(path, { ...file, path });
  }
  return {
    list: () => Promise.resolve([...byPath.keys()]),
    open: (path) => Promise.resolve(byPath.get(path) ?? null),
  };
}

/** `folderOfFiles` for bytes and Blobs; archives stay archives (see zipFolder.ts). */
export const filesSource = (files: readonly GivenFile[]): FolderSource => folderOfFiles(files.map(fileOf));
