/** Packs files into a zip piece by piece: large weights pass through and are never in memory as a whole. */
import { Zip, ZipPassThrough } from 'fflate';

export interface SavedFile {
  path: string;
  data: Blob;
}

/** Read and handed on at a time. Bytes. */
const PIECE = 8 * 2 ** 20;
/** Pieces are folded into a Blob, which a browser may keep on disk, whenever so many have come together. Bytes. */
const FOLD = 64 * 2 ** 20;
/** What the plain zip format can address. Bytes. */
export const LARGEST_ZIP = 2 ** 32 - 2 ** 24;
/** Earliest time that zip can say; a constant, so that archives can be compared. */
const MTIME = new Date(1980, 0, 1);

/** @param folder put before every path; stored without packing, as weights are dense */
export async function zipBlob(files: readonly SavedFile[], folder: string): Promise<Blob> {
  let parts: BlobPart[] = [];
  let pendingBytes = 0;
  let failure: Error | null = null;
  const zip = new Zip((error, piece) => {
    if (error) failure = error;
    else {
      parts.push(piece as BlobPart);
      pendingBytes += piece.byteLength;
    }
  });
  for (const { path, data } of files) {
    const entry = new ZipPassThrough(`${folder}/${path}`);
    entry.mtime = MTIME;
    zip.add(entry);
    for (let at = 0; at < data.size; at += PIECE) {
      entry.push(new Uint8Array(await data.slice(at, at + PIECE).arrayBuffer()));
      if (pendingBytes > FOLD) {
        parts = [new Blob(parts)];
        pendingBytes = 0;
      }
    }
    entry.push(new Uint8Array(0), true);
    if (failure) throw failure;
  }
  zip.end();
  return new Blob(parts, { type: 'application/zip' });
}
