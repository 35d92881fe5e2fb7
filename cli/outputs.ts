/** Writes results whole or not at all: into a temporary neighbour first, renamed at the end. */
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from './options.ts';

const systemText = (thrown: unknown) => (thrown as { code?: string }).code ?? String(thrown);

/** A file the person named. @throws UsageError when it cannot be read */
export async function readInputFile(path: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (thrown) {
    const code = (thrown as { code?: string }).code;
    throw new UsageError(code === 'ENOENT' ? `${path}: there is no such file.` : code === 'EISDIR' ? `${path} is a folder, not a file.` : `${path} cannot be read (${systemText(thrown)}).`);
  }
}

/**
 * @param contents whole, or piece by piece; what that throws comes through
 * @throws UsageError when the file cannot be written; then nothing is left behind
 */
export async function writeOutputFile(path: string, contents: Uint8Array | string | AsyncIterable<string>): Promise<void> {
  const target = resolve(path);
  const partial = join(dirname(target), `.${basename(target)}.${process.pid}.partial`);
  try {
    await mkdir(dirname(target), { recursive: true });
    await writeFile(partial, contents);
    await rename(partial, target);
  } catch (thrown) {
    await rm(partial, { force: true });
    // What makes the contents failed, not the disk.
    if ((thrown as { syscall?: string }).syscall === undefined) throw thrown;
    throw new UsageError(`${path} cannot be written (${systemText(thrown)}).`);
  }
}

/** A folder being written; it appears under its name only when it is complete. */
export interface OutputFolder {
  /** Where to work meanwhile, absolute. */
  readonly temporary: string;
  write(path: string, bytes: Uint8Array | Blob | string): Promise<void>;
  /** Moves the folder to its name. */
  commit(): Promise<void>;
  /** Removes what was written. Nothing happens after a commit. */
  discard(): Promise<void>;
}

/**
 * Prepares a new folder. An empty one may exist already; one with files in it is never touched.
 * @throws UsageError when the place is taken or cannot be written
 */
export async function openOutputFolder(path: string): Promise<OutputFolder> {
  const target = resolve(path);
  const taken = await readdir(target).then(
    (names) => names.length > 0,
    (thrown: { code?: string }) => {
      if (thrown.code === 'ENOENT') return false;
      throw new UsageError(thrown.code === 'ENOTDIR' ? `${path} is a file, not a folder.` : `${path} cannot be read (${systemText(thrown)}).`);
    },
  );
  if (taken) throw new UsageError(`${path} is not empty. Name a new folder: results are never overwritten.`);
  let temporary: string;
  try {
    await mkdir(dirname(target), { recursive: true });
    temporary = await mkdtemp(join(dirname(target), `.${basename(target)}-`));
  } catch (thrown) {
    throw new UsageError(`${path} cannot be written (${systemText(thrown)}).`);
  }
  let done = false;
  return {
    temporary,
    async write(file, bytes) {
      const at = join(temporary, file);
      await mkdir(dirname(at), { recursive: true });
      await writeFile(at, bytes instanceof Blob ? bytes.stream() : bytes);
    },
    async commit() {
      done = true;
      // Only an empty folder gives way: a full one would be somebody else's work of the last minutes.
      await rmdir(target).catch((thrown: { code?: string }) => {
        if (thrown.code !== 'ENOENT') throw new UsageError(`${path} cannot be replaced (${systemText(thrown)}); the results are in ${temporary}.`);
      });
      await rename(temporary, target);
    },
    async discard() {
      if (!done) await rm(temporary, { recursive: true, force: true });
    },
  };
}
