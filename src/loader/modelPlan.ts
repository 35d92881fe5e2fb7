/**
 * What a model from the Hub or from an address consists of: files, sizes, hashes, and its config.json. Reads small files only.
 * Not for downloading (modelCache.ts).
 */
import { EngineError } from '../base/errors.ts';
import { chooseFiles, CONFIG_FILE, SMALL_FILES } from './chooseFiles.ts';
import { validatorOf } from './download.ts';
import { explainHub, fetchHubFile, fetchModelInfo, resolveUrl, type HubAccess } from './hub/hubClient.ts';
import { readSmallBody, request, toStatusError } from './http.ts';
import type { ManifestFile, ManifestSource } from './modelManifest.ts';
import { INDEX_FILE, parseIndex, SINGLE_FILE } from './weightFiles.ts';

/** A model that has to be fetched: the Hub's, or files under any address. */
export type RemoteSource = { kind: 'hub'; id: string; revision: string } | { kind: 'url'; name: string; baseUrl: string };

export type PlannedFile = Omit<ManifestFile, 'contentSha256'>;

export interface ModelPlan {
  name: string;
  source: ManifestSource;
  /** What was asked for; null for an address. */
  revision: string | null;
  licence: string | null;
  gated: boolean;
  files: PlannedFile[];
  /** config.json as it came. */
  config: Uint8Array;
}

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_INDEX_BYTES = 2 ** 25;

/** A small file that is here already; null if it is not. */
export type ReadCached = (source: ManifestSource, path: string) => Promise<Uint8Array | null>;

/** @throws EngineError not-found, access, unsupported, network, bad-file, cancelled */
export async function planHubModel(access: HubAccess, id: string, revision: string, readCached: ReadCached, signal?: AbortSignal): Promise<ModelPlan> {
  const info = await fetchModelInfo(access, id, revision, signal);
  const source: ManifestSource = { kind: 'hub', endpoint: access.endpoint, id, commit: info.commit };
  const byPath = new Map(info.files.map((file) => [file.path, file]));
  const { small, weights } = chooseFiles([...byPath.keys()], id);
  const read = async (path: string, maxBytes: number): Promise<Uint8Array> =>
    (await readCached(source, path)) ?? (await fetchHubFile(access, id, info.commit, path, maxBytes, signal));
  const paths = [...small, weights];
  if (weights === INDEX_FILE) paths.push(...shardsOf(await read(INDEX_FILE, MAX_INDEX_BYTES)));
  const files = paths.map((path): PlannedFile => {
    const file = byPath.get(path);
    if (!file) throw new EngineError('not-found', `${id} has no ${path}, which ${INDEX_FILE} names.`);
    return { ...file, validator: null };
  });
  return { name: id, source, revision, licence: info.licence, gated: info.gated, files, config: await read(CONFIG_FILE, MAX_CONFIG_BYTES) };
}

const shardsOf = (index: Uint8Array): string[] => [...new Set(parseIndex(index).values())].sort();

/** With one slash at the end. @throws EngineError bad-argument */
export function toBaseUrl(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null;
  if (!url || !/^https?:$/.test(url.protocol)) throw new EngineError('bad-argument', `"${text.slice(0, 200)}" is not an address. Give the folder that holds config.json, beginning with https://.`);
  if (url.username !== '' || url.password !== '') throw new EngineError('bad-argument', 'An address must not hold a name and a password.');
  url.hash = '';
  url.search = '';
  return url.href.replace(/\/*$/, '/');
}

/** A token is for the Hub's own origin and for nobody else. */
export function tokenFor(url: string, { endpoint, token }: HubAccess): string | null {
  return new URL(url).origin === new URL(endpoint).origin ? token : null;
}

/** Where a planned file is. */
export function urlOf(source: ManifestSource, path: string): string {
  return source.kind === 'hub' ? resolveUrl(source.endpoint, source.id, source.commit, path) : source.baseUrl + path.split('/').map(encodeURIComponent).join('/');
}

/** How a refused request for a file is explained. */
export function explainFile(source: ManifestSource, access: HubAccess, path: string): (response: Response) => EngineError {
  return source.kind === 'hub' ? explainHub(access, source.id, source.commit, path) : (response) => toStatusError(urlOf(source, path), response);
}

/**
 * Finds out which files lie under an address, which cannot be listed: each is asked for by name.
 * @throws EngineError bad-argument, not-found, unsupported, access, network, bad-file, cancelled
 */
export async function planUrlModel(access: HubAccess, name: string, baseUrl: string, signal?: AbortSignal): Promise<ModelPlan> {
  const source: ManifestSource = { kind: 'url', baseUrl: toBaseUrl(baseUrl) };
  const options = (url: string) => ({ token: tokenFor(url, access), host: access.host, ...(signal ? { signal } : {}) });
  const isPage = (response: Response): boolean => response.headers.get('content-type')?.startsWith('text/html') === true;

  /** Size and validator of a file; null if there is none. */
  async function probe(path: string): Promise<PlannedFile | null> {
    const url = urlOf(source, path);
    const file: PlannedFile = { path, sizeBytes: null, sha256: null, gitBlobSha1: null, validator: null };
    const head = await request(url, { ...options(url), method: 'HEAD', accept: [403, 404, 405, 410, 501] });
    if (head.status === 404 || head.status === 410) return null;
    if (head.ok) {
      // The server of a single-page app answers every unknown path with its page.
      if (isPage(head)) return null;
      const sizeBytes = lengthOf(head);
      if (sizeBytes !== null) return { ...file, sizeBytes, validator: validatorOf(head.headers) };
    }
    const ranged = await request(url, { ...options(url), range: 'bytes=0-0', accept: [404, 410, 416] });
    await ranged.body?.cancel();
    if (ranged.status === 404 || ranged.status === 410 || isPage(ranged)) return null;
    const total = /\/(\d+)$/.exec(ranged.headers.get('content-range') ?? '')?.[1];
    return { ...file, sizeBytes: total !== undefined ? Number(total) : ranged.status === 200 ? lengthOf(ranged) : null, validator: validatorOf(ranged.headers) };
  }
  async function read(path: string, maxBytes: number): Promise<Uint8Array | null> {
    const url = urlOf(source, path);
    const response = await request(url, { ...options(url), accept: [404, 410] });
    if (!response.ok || isPage(response)) {
      await response.body?.cancel();
      return null;
    }
    return readSmallBody(response, url, maxBytes, access.host, signal);
  }

  const config = await read(CONFIG_FILE, MAX_CONFIG_BYTES);
  if (!config) throw new EngineError('not-found', `${urlOf(source, CONFIG_FILE)}: there is no such file. Give the folder that holds config.json.`);
  const found: PlannedFile[] = [];
  for (const path of [...SMALL_FILES, SINGLE_FILE]) {
    const file = await probe(path);
    if (file) found.push(file);
  }
  const paths = found.map(({ path }) => path);
  let index: Uint8Array | null = null;
  if (!paths.includes(SINGLE_FILE)) {
    index = await read(INDEX_FILE, MAX_INDEX_BYTES);
    for (const path of index ? [INDEX_FILE, ...shardsOf(index)] : ['pytorch_model.bin']) {
      const file = await probe(path);
      if (file) found.push(file);
      else if (index) throw new EngineError('not-found', `${urlOf(source, path)}: there is no such file, but ${INDEX_FILE} names it.`);
    }
  }
  chooseFiles(found.map(({ path }) => path), source.baseUrl);
  return { name, source, revision: null, licence: null, gated: false, files: found, config };
}

/** Content-Length where it counts what will arrive: under content encoding it counts packed bytes. */
function lengthOf({ headers }: Response): number | null {
  const length = headers.get('content-length');
  return headers.get('content-encoding') === null && length !== null && /^\d+$/.test(length) ? Number(length) : null;
}
