/**
 * A zip archive as files that can be read in pieces: stored entries are ranges of the archive, packed ones are inflated
 * into a Blob when they are first read (a browser keeps large Blobs on disk), never into one array. Untrusted: sizes are
 * checked before and while inflating. Not for writing (export/zip.ts). Checksums are not: the weights' own hash is taken anyway.
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
import { EngineError } from '../base/errors.ts';
import { folderOfFiles, fileOf, type FolderSource, type GivenFile } from './folderSource.ts';
import { fileOfBlob, assertRange, PIECE_BYTES, type ModelFile } from './modelFile.ts';

const END_BYTES = 22;
const MAX_COMMENT_BYTES = 65_535;
const LOCATOR_BYTES = 20;
/** A model has tens of files; a directory of a million entries is an attack or a mistake. */
const MAX_DIRECTORY_BYTES = 2 ** 24;

const bad = (zip: ModelFile, message: string, cause?: unknown) => new EngineError('bad-file', `${zip.path}: ${message}`, { cause });
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

interface Directory {
  offset: number;
  sizeBytes: number;
}

/** Finds the end record, which lies before a comment of any length, and follows it to the directory. */
async function findDirectory(zip: ModelFile): Promise<Directory> {
  const tailStart = Math.max(0, zip.sizeBytes - END_BYTES - MAX_COMMENT_BYTES);
  const tail = viewOf(await zip.read(tailStart, zip.sizeBytes));
  let end = tail.byteLength - END_BYTES;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end--;
  if (end < 0) throw bad(zip, 'no zip archive, or it was cut off: its end record is missing.');
  let sizeBytes = tail.getUint32(end + 12, true);
  let offset = tail.getUint32(end + 16, true);
  const locatorAt = tailStart + end - LOCATOR_BYTES;
  if ((offset === 0xffffffff || sizeBytes === 0xffffffff) && locatorAt >= 0) {
    const locator = viewOf(await zip.read(locatorAt, locatorAt + LOCATOR_BYTES));
    if (locator.getUint32(0, true) !== 0x07064b50) throw bad(zip, 'its end record points to none for large archives.');
    const recordAt = Number(locator.getBigUint64(8, true));
    if (recordAt + 56 > zip.sizeBytes) throw bad(zip, 'its end record lies outside the file.');
    const record = viewOf(await zip.read(recordAt, recordAt + 56));
    if (record.getUint32(0, true) !== 0x06064b50) throw bad(zip, 'its end record for large archives is missing.');
    sizeBytes = Number(record.getBigUint64(40, true));
    offset = Number(record.getBigUint64(48, true));
  }
  if (offset + sizeBytes > zip.sizeBytes) throw bad(zip, 'its directory lies outside the file. Is it complete?');
  if (sizeBytes > MAX_DIRECTORY_BYTES) throw new EngineError('unsupported', `${zip.path}: its directory has ${sizeBytes} bytes; a model folder needs far fewer.`);
  return { offset, sizeBytes };
}

interface Entry {
  path: string;
  method: number;
  isEncrypted: boolean;
  packedBytes: number;
  sizeBytes: number;
  headerAt: number;
}

/** Sizes that do not fit 32 bits stand in an extra field, in this order, each only if its 32 bits are all set. */
function readLargeSizes(extra: DataView, entry: Entry): void {
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    const take = (value: number): number => {
      if (value !== 0xffffffff || next + 8 > extra.byteLength) return value;
      next += 8;
      return Number(extra.getBigUint64(next - 8, true));
    };
    entry.sizeBytes = take(entry.sizeBytes);
    entry.packedBytes = take(entry.packedBytes);
    entry.headerAt = take(entry.headerAt);
  }
}

function parseDirectory(zip: ModelFile, bytes: Uint8Array): Entry[] {
  const view = viewOf(bytes);
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.byteLength; ) {
    if (at + 46 > bytes.byteLength || view.getUint32(at, true) !== 0x02014b50) throw bad(zip, `its directory is malformed at byte ${at}.`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => view.getUint16(at + field, true)) as [number, number, number];
    const extraAt = at + 46 + nameLength;
    const next = extraAt + extraLength + commentLength;
    if (next > bytes.byteLength) throw bad(zip, `its directory is malformed at byte ${at}.`);
    const entry: Entry = {
      path: new TextDecoder().decode(bytes.subarray(at + 46, extraAt)).replaceAll('\\', '/'),
      isEncrypted: (view.getUint16(at + 8, true) & 1) === 1,
      method: view.getUint16(at + 10, true),
      packedBytes: view.getUint32(at + 20, true),
      sizeBytes: view.getUint32(at + 24, true),
      headerAt: view.getUint32(at + 42, true),
    };
    readLargeSizes(new DataView(bytes.buffer, bytes.byteOffset + extraAt, extraLength), entry);
    if (entry.headerAt + 30 + entry.packedBytes > zip.sizeBytes) throw bad(zip, `"${entry.path}" lies outside the file. Is it complete?`);
    entries.push(entry);
    at = next;
  }
  return entries;
}

/** Where the bytes of an entry begin: its own header may be longer than the directory says. */
async function dataStart(zip: ModelFile, entry: Entry): Promise<number> {
  const header = viewOf(await zip.read(entry.headerAt, entry.headerAt + 30));
  if (header.getUint32(0, true) !== 0x04034b50) throw bad(zip, `"${entry.path}" has no header of its own.`);
  const start = entry.headerAt + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + entry.packedBytes > zip.sizeBytes) throw bad(zip, `"${entry.path}" lies outside the file. Is it complete?`);
  return start;
}

async function inflate(zip: ModelFile, entry: Entry): Promise<Blob> {
  let at = await dataStart(zip, entry);
  const end = at + entry.packedBytes;
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      if (at >= end) return controller.close();
      const next = Math.min(at + PIECE_BYTES, end);
      controller.enqueue((await zip.read(at, next)) as Uint8Array<ArrayBuffer>);
      at = next;
    },
  });
  const reader = packed.pipeThrough(new DecompressionStream('deflate-raw')).getReader();
  const parts: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let [pending, sizeBytes] = [0, 0];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (value) {
        chunks.push(value);
        pending += value.byteLength;
        sizeBytes += value.byteLength;
        if (sizeBytes > entry.sizeBytes) throw bad(zip, `"${entry.path}" has more bytes than its ${entry.sizeBytes}.`);
      }
      if (done || pending >= PIECE_BYTES) {
        parts.push(new Blob(chunks));
        chunks = [];
        pending = 0;
      }
      if (done) break;
    }
  } catch (thrown) {
    await reader.cancel().catch(() => undefined); // its own failure is the one that was thrown
    if (thrown instanceof EngineError) throw thrown;
    throw bad(zip, `"${entry.path}" cannot be unpacked (${thrown instanceof Error ? thrown.message : String(thrown)}).`, thrown);
  }
  if (sizeBytes !== entry.sizeBytes) throw bad(zip, `"${entry.path}" ends after ${sizeBytes} of ${entry.sizeBytes} bytes.`);
  return new Blob(parts);
}

function fileOfEntry(zip: ModelFile, entry: Entry): ModelFile {
  const { path, sizeBytes } = entry;
  if (entry.isEncrypted) throw new EngineError('unsupported', `${zip.path}: "${path}" is encrypted. Unpack the archive first.`);
  if (entry.method !== 0 && entry.method !== 8) throw new EngineError('unsupported', `${zip.path}: "${path}" is packed by method ${entry.method}; stored and deflated entries can be read.`);
  if (entry.method === 0 && entry.packedBytes !== sizeBytes) throw bad(zip, `"${path}" is stored in ${entry.packedBytes} bytes but has ${sizeBytes}.`);
  let start: Promise<number> | undefined;
  let inflated: Promise<ModelFile> | undefined;
  return {
    path,
    sizeBytes,
    async read(begin, end) {
      assertRange(path, begin, end, sizeBytes);
      if (entry.method === 0) {
        const first = await (start ??= dataStart(zip, entry));
        return zip.read(first + begin, first + end);
      }
      return (await (inflated ??= inflate(zip, entry).then((blob) => fileOfBlob(path, blob)))).read(begin, end);
    },
  };
}

/** The files of an archive, folders left out. @throws EngineError bad-file | unsupported */
export async function openZip(zip: ModelFile): Promise<ModelFile[]> {
  const { offset, sizeBytes } = await findDirectory(zip);
  const entries = parseDirectory(zip, await zip.read(offset, offset + sizeBytes));
  return entries.filter(({ path }) => !path.endsWith('/')).map((entry) => fileOfEntry(zip, entry));
}

/** What a person gave: the files of a folder, or one zip archive of them. @throws EngineError bad-file | unsupported | bad-argument */
export async function openGivenFiles(given: readonly GivenFile[]): Promise<FolderSource> {
  const files = given.map(fileOf);
  const [first] = files;
  return folderOfFiles(files.length === 1 && first && /\.zip$/i.test(first.path) ? await openZip(first) : files);
}
