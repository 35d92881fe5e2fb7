/**
 * A small model folder under an address, fetched whole: the model that ships with the studio.
 * No cache, the browser's own serves repeated visits; large models come through modelCache.ts.
 */
import { EngineError } from '../base/errors.ts';
import type { FolderSource } from './folderSource.ts';
import { fileOfBytes } from './modelFile.ts';

/** Largest file taken, bytes: it is in memory as a whole. */
const MAX_FILE_BYTES = 2 ** 28;

function cancelled(): EngineError {
  return new EngineError('cancelled', 'The download was cancelled.');
}

/** Reads a body with progress, into one buffer where its length is told and true. */
async function readBody(response: Response, onBytes?: (loadedBytes: number, totalBytes: number | null) => void): Promise<Uint8Array> {
  // Under content encoding the length counts compressed bytes, so it says nothing about what arrives here.
  const header = response.headers.get('content-encoding') ? null : response.headers.get('content-length');
  const totalBytes = header !== null && /^\d+$/.test(header) && Number(header) <= MAX_FILE_BYTES ? Number(header) : null;
  if (!response.body) return new Uint8Array(await response.arrayBuffer());
  const reader = response.body.getReader();
  const chunks: Uint8Array[] = [];
  let loadedBytes = 0;
  onBytes?.(0, totalBytes);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loadedBytes += value.byteLength;
    if (loadedBytes > MAX_FILE_BYTES) {
      await reader.cancel();
      throw new EngineError('unsupported', `${response.url}: larger than ${MAX_FILE_BYTES} bytes.`);
    }
    onBytes?.(loadedBytes, totalBytes);
  }
  if (totalBytes !== null && loadedBytes !== totalBytes)
    throw new EngineError('network', `${response.url}: ${loadedBytes} of ${totalBytes} bytes arrived. Try again.`);
  const bytes = new Uint8Array(loadedBytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}

/**
 * A folder under an address, e.g. "/models/demo/".
 * @param signal aborts the download: `open` throws EngineError cancelled
 * @throws (from open) EngineError network, naming the address and the status
 */
export function urlSource(baseUrl: string, signal?: AbortSignal): FolderSource {
  const base = baseUrl.endsWith('/') ? baseUrl : `${baseUrl}/`;
  return {
    list: () => Promise.resolve(null),
    async open(path, onBytes) {
      const url = base + path;
      try {
        const response = await fetch(url, { signal: signal ?? null, referrerPolicy: 'no-referrer' });
        if (response.status === 404) return null;
        if (response.status === 401 || response.status === 403)
          throw new EngineError('network', `${url}: access refused (status ${response.status}). Download the files by hand and drop them here.`);
        if (!response.ok) throw new EngineError('network', `${url}: status ${response.status} ${response.statusText}.`.replace(' .', '.'));
        // A server of a single-page app answers every unknown path with its page.
        if (response.headers.get('content-type')?.startsWith('text/html') && !path.endsWith('.html')) {
          await response.body?.cancel();
          return null;
        }
        return fileOfBytes(path, await readBody(response, onBytes));
      } catch (error) {
        if (signal?.aborted) throw cancelled();
        if (error instanceof EngineError) throw error;
        throw new EngineError('network', `${url}: ${error instanceof Error ? error.message : String(error)}. Is the address right, and does its server allow this page (CORS)?`, { cause: error });
      }
    },
  };
}
