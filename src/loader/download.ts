/**
 * Downloads one file into a store, piece by piece, and goes on where a broken connection (or an earlier session) stopped.
 * A resumed file is never a splice of two versions: its hash is known beforehand, or the server's validator (ETag or
 * Last-Modified) must be the same; else it begins anew. Not for which files (modelPlan.ts) nor for where they are listed (modelCache.ts).
 * If-Range is not sent: it would make a browser ask the server first, and the answer's own validator says as much.
 */
import { EngineError } from '../base/errors.ts';
import { createGitBlobHasher, createHasher, type Hasher } from './hasher.ts';
import { backoffMs, cancelled, headersOf, isPassing, pause, retryAfterMs, toConnectionError, toStatusError, type HttpHost } from './http.ts';
import { PIECE_BYTES } from './modelFile.ts';
import type { RangeWriter } from './rangeStore.ts';

export interface DownloadRequest {
  /** For messages. */
  path: string;
  url: string;
  token?: string | null;
  /** What the file must be; null where it is not known beforehand. */
  sizeBytes: number | null;
  sha256: string | null;
  gitBlobSha1: string | null;
  /** What the server said of the part that is there already; null if there is none or it said nothing. */
  validator: string | null;
  writer: RangeWriter;
  host: HttpHost;
  signal: AbortSignal;
  explain?(response: Response): EngineError;
  /** The validator of what is being written from now on, to be kept with the part. */
  onValidator(validator: string | null): Promise<void>;
  /** Bytes of the file that are there, and how many just came over the network. */
  onBytes(sizeBytes: number, receivedBytes: number): void;
}

export interface Downloaded {
  sizeBytes: number;
  /** Of the bytes that were written. */
  sha256: string;
}

/** Broken connections in a row, without at least 64 kB between them. */
const MAX_FAILURES = 6;
const PROGRESS_BYTES = 65_536;
/** Beginnings from zero: a file that changed on the server, a hash that is wrong. */
const MAX_CHANGES = 2;
const MAX_WRONG_HASHES = 1;
const LONGEST_WAIT_MS = 60_000;

/** Also used by address probing, so that both mean the same. */
export function validatorOf(headers: Headers): string | null {
  const etag = headers.get('etag');
  // A weak one may stay when bytes change.
  return etag !== null && !etag.startsWith('W/') ? etag : headers.get('last-modified');
}

/** The two hashes of a file while it grows. */
class GrowingHash {
  #sha256: Hasher = createHasher('sha256');
  #git: Hasher | null = null;
  /** The size is part of git's name of the content. */
  constructor(gitSizeBytes: number | null) {
    if (gitSizeBytes !== null) this.#git = createGitBlobHasher(gitSizeBytes);
  }
  update(bytes: Uint8Array): void {
    this.#sha256.update(bytes);
    this.#git?.update(bytes);
  }
  digest(): { sha256: string; gitBlobSha1: string | null } {
    return { sha256: this.#sha256.digest(), gitBlobSha1: this.#git?.digest() ?? null };
  }
}

/** A connection from which nothing came for too long, or that ended early. */
class Broken extends Error {}
/** What is there cannot be part of what the server has now. */
class Changed extends Error {}

/**
 * @returns size and hash of the whole file, which is what was asked for
 * @throws EngineError network (what came is kept), bad-file (nothing is kept), access, not-found, storage, cancelled
 */
export async function downloadFile(request: DownloadRequest): Promise<Downloaded> {
  const { path, url, writer, host, signal, sizeBytes, onBytes } = request;
  const hasHash = request.sha256 !== null || request.gitBlobSha1 !== null;
  const newHash = () => new GrowingHash(request.sha256 === null && request.gitBlobSha1 !== null ? sizeBytes : null);
  let validator = request.validator;
  let hash = newHash();
  let [failures, changes, wrongHashes, failedAt] = [0, 0, 0, -1];
  let isWhole = false;

  const beginAnew = async (): Promise<void> => {
    await writer.truncate(0);
    hash = newHash();
    validator = null;
    isWhole = false;
    onBytes(0, 0);
  };

  if (writer.sizeBytes > 0 && ((!hasHash && validator === null) || (sizeBytes !== null && writer.sizeBytes > sizeBytes))) await beginAnew();
  for (let at = 0; at < writer.sizeBytes; at += PIECE_BYTES) {
    if (signal.aborted) throw cancelled();
    hash.update(await writer.read(at, Math.min(at + PIECE_BYTES, writer.sizeBytes)));
  }
  onBytes(writer.sizeBytes, 0);

  /** One connection, from where the file ends; returns when its body has ended. */
  const receive = async (): Promise<void> => {
    const begin = writer.sizeBytes;
    const controller = new AbortController();
    const onAbort = () => controller.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stillComing = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), host.stallMs);
    };
    stillComing();
    try {
      const headers = headersOf({ token: request.token ?? null, ...(begin > 0 ? { range: `bytes=${begin}-` } : {}) });
      const response = await host.fetch(url, { headers, signal: controller.signal, referrerPolicy: 'no-referrer', credentials: 'omit' });
      if (response.status === 416 && begin > 0) {
        await response.body?.cancel();
        throw new Changed('it is shorter than what came before');
      }
      if (!response.ok) {
        await response.body?.cancel();
        const waitMs = retryAfterMs(response.headers);
        if (!isPassing(response.status) || (waitMs ?? 0) > LONGEST_WAIT_MS) throw (request.explain ?? ((refused: Response) => toStatusError(url, refused)))(response);
        if (waitMs !== null) await pause(waitMs, host, signal);
        throw new Broken(`status ${response.status}`);
      }
      const seen = validatorOf(response.headers);
      // Where the hash is known it decides: the machines of one CDN may give one file several ETags.
      if (begin > 0 && !hasHash && seen !== null && validator !== null && seen !== validator) {
        await response.body?.cancel();
        throw new Changed('it changed on the server between two parts');
      }
      // A range is told by its status even where a browser hides the header.
      const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
      if (response.status === 206 && range && (Number(range[1]) !== begin || (sizeBytes !== null && range[2] !== '*' && Number(range[2]) !== sizeBytes))) {
        await response.body?.cancel();
        throw new Changed('the server sent another part than the one asked for');
      }
      let skip = 0;
      if (response.status !== 206 && begin > 0) {
        // The server knows no ranges: what is here already comes once more and is passed over.
        if (!hasHash && (seen === null || seen !== validator)) {
          await response.body?.cancel();
          throw new Changed('the server sends whole files only and does not say whether it is the same one');
        }
        skip = begin;
      }
      if (seen !== validator && (begin === 0 || validator === null)) {
        validator = seen;
        await request.onValidator(seen);
      }
      const reader = response.body?.getReader();
      if (!reader) throw new Broken('no body');
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        stillComing();
        const fresh = skip >= value.byteLength ? value.subarray(value.byteLength) : value.subarray(skip);
        skip -= Math.min(skip, value.byteLength);
        if (sizeBytes !== null && writer.sizeBytes + fresh.byteLength > sizeBytes) {
          await reader.cancel();
          throw new Changed(`it has more than its ${sizeBytes} bytes`);
        }
        if (fresh.byteLength > 0) {
          await writer.append(fresh);
          hash.update(fresh);
        }
        onBytes(writer.sizeBytes, value.byteLength);
      }
      isWhole = sizeBytes === null || writer.sizeBytes === sizeBytes;
      if (!isWhole) throw new Broken(`it ended after ${writer.sizeBytes} of ${sizeBytes} bytes`);
    } catch (thrown) {
      if (signal.aborted) throw cancelled();
      if (thrown instanceof EngineError || thrown instanceof Changed || thrown instanceof Broken) throw thrown;
      throw new Broken(controller.signal.aborted ? `nothing came for ${Math.round(host.stallMs / 1000)} s` : toConnectionError(url, thrown, host).message, { cause: thrown });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      controller.abort();
    }
  };

  for (;;) {
    if (signal.aborted) throw cancelled();
    if (sizeBytes !== null && writer.sizeBytes === sizeBytes) isWhole = true;
    if (!isWhole) {
      try {
        await receive();
      } catch (thrown) {
        if (thrown instanceof Changed) {
          await beginAnew();
          if (++changes > MAX_CHANGES) throw new EngineError('bad-file', `${path}: ${thrown.message}, ${changes} times. Nothing of it was kept. Try again later.`, { cause: thrown });
          continue;
        }
        // All bytes came, though the connection ended badly.
        if (!(thrown instanceof Broken)) throw thrown;
        if (sizeBytes !== null && writer.sizeBytes === sizeBytes) continue;
        if (writer.sizeBytes >= failedAt + PROGRESS_BYTES) failures = 0;
        failedAt = writer.sizeBytes;
        if (++failures >= MAX_FAILURES || host.isOffline())
          throw new EngineError('network', `${path}: the download broke off (${thrown.message}). ${writer.sizeBytes}${sizeBytes === null ? '' : ` of ${sizeBytes}`} bytes are kept; it goes on from there when you start it again.`, { cause: thrown });
        // Without a way to prove that it is the same file, what came is of no use.
        if (!hasHash && validator === null) await beginAnew();
        await pause(backoffMs(failures), host, signal);
        continue;
      }
    }
    const digests = hash.digest();
    const wrong = request.sha256 !== null ? digests.sha256 !== request.sha256 : request.gitBlobSha1 !== null && digests.gitBlobSha1 !== request.gitBlobSha1;
    if (!wrong) return { sizeBytes: writer.sizeBytes, sha256: digests.sha256 };
    await beginAnew();
    if (++wrongHashes > MAX_WRONG_HASHES)
      throw new EngineError('bad-file', `${path}: what arrives has the hash ${request.sha256 === null ? digests.gitBlobSha1 : digests.sha256}, not ${request.sha256 ?? request.gitBlobSha1} as the server names it. Nothing of it was kept. Try again later.`);
  }
}
