/**
 * A server on loopback that behaves like the Hugging Face Hub, with the faults of real networks on request.
 * Two ports: the Hub (API, small files, redirects for large ones) and its CDN (large files, ranges). Not for the open internet.
 * Behaviour after the public documentation of the Hub API and of huggingface_hub: X-Error-Code, X-Linked-Etag, X-Repo-Commit, 401 for what is private.
 */
import { createHash } from 'node:crypto';
import { createReadStream, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';

/** Bytes, or a file on disk, which is streamed. */
export type HubContent = Uint8Array | { filePath: string };

export interface HubRepo {
  files: Map<string, HubContent>;
  /** Branches and tags besides 'main', to the same commit. */
  revisions?: string[];
  gated?: false | 'auto' | 'manual';
  private?: boolean;
  licence?: string;
}

/** What goes wrong, for requests whose path matches. `times` left out: always. */
export type HubFault = { path: RegExp; host?: 'hub' | 'cdn'; times?: number } & (
  | { kind: 'status'; status: number; headers?: Record<string, string> }
  /** The connection breaks after so many bytes of the body. */
  | { kind: 'cut'; afterBytes: number }
  /** It breaks before any answer. */
  | { kind: 'refuse' }
  /** Nothing comes, and it stays open. */
  | { kind: 'hang' }
  /** Ranges are ignored: the whole file, status 200. */
  | { kind: 'noRange' }
  /** HEAD is not allowed. */
  | { kind: 'noHead' }
  /** One byte of the body is another one. */
  | { kind: 'corrupt'; at: number }
  /** So many bytes, then a pause, again and again. */
  | { kind: 'slow'; bytes: number; pauseMs: number }
  /** The told length is not the true one. */
  | { kind: 'wrongLength'; length: number }
  /** No ETag and no Last-Modified. */
  | { kind: 'noValidator' }
);

export interface HubCall {
  host: 'hub' | 'cdn';
  method: string;
  path: string;
  range: string | null;
  authorization: string | null;
  status: number;
}

export interface HubServer {
  /** As HF_ENDPOINT. */
  endpoint: string;
  cdn: string;
  /** Base URL of a repository's files, as a plain address. */
  url(id: string): string;
  /** The commit that 'main' of a repository means now. */
  commit(id: string): string;
  /** Every request so far, CORS preflights left out. */
  calls: HubCall[];
  /** Where browsers asked first whether they may (OPTIONS). */
  preflights: { host: 'hub' | 'cdn'; path: string }[];
  repos: Map<string, HubRepo>;
  faults: HubFault[];
  close(): Promise<void>;
}

export interface HubServerOptions {
  repos: Record<string, HubRepo>;
  /** The one token that opens gated and private repositories. */
  token?: string;
}

const isLarge = (path: string): boolean => /\.(safetensors|bin|onnx|gguf)$/.test(path);
const sizeOf = (content: HubContent): number => (content instanceof Uint8Array ? content.byteLength : statSync(content.filePath).size);
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': 'Authorization, Range, Content-Type',
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-expose-headers': 'X-Repo-Commit, X-Request-Id, X-Error-Code, X-Error-Message, ETag, Link, Accept-Ranges, Content-Range, X-Linked-Size, X-Linked-ETag',
  'cross-origin-resource-policy': 'cross-origin',
};

/** sha256 of contents: a file of hundreds of MB is hashed once. */
const digests = new WeakMap<object, Promise<string>>();
function sha256Of(content: HubContent): Promise<string> {
  const known = digests.get(content);
  if (known) return known;
  const digest = new Promise<string>((resolve, reject) => {
    const hash = createHash('sha256');
    if (content instanceof Uint8Array) return resolve(hash.update(content).digest('hex'));
    createReadStream(content.filePath).on('data', (piece) => hash.update(piece)).on('end', () => resolve(hash.digest('hex'))).on('error', reject);
  });
  digests.set(content, digest);
  return digest;
}
const blobIdOf = (content: HubContent): string =>
  content instanceof Uint8Array ? createHash('sha1').update(`blob ${content.byteLength}\0`).update(content).digest('hex') : createHash('sha1').update(content.filePath).digest('hex');

/** Changes whenever a file is exchanged for another object. */
function commitOf(repo: HubRepo): string {
  const hash = createHash('sha1');
  for (const [path, content] of repo.files) hash.update(`${path} ${content instanceof Uint8Array ? blobIdOf(content) : `${content.filePath} ${sizeOf(content)}`}\n`);
  return hash.digest('hex');
}

/** Starts a server; close it. */
export async function startHubServer({ repos, token = 'hf_right' }: HubServerOptions): Promise<HubServer> {
  const calls: HubCall[] = [];
  const preflights: HubServer['preflights'] = [];
  const faults: HubFault[] = [];
  const known = new Map(Object.entries(repos));

  /** The next fault of these kinds, which is used up by this. */
  function take<Kind extends HubFault['kind']>(host: 'hub' | 'cdn', path: string, ...kinds: Kind[]): Extract<HubFault, { kind: Kind }> | null {
    const fault = faults.find((each) => kinds.includes(each.kind as Kind) && (each.host ?? host) === host && each.path.test(path) && (each.times ?? 1) > 0);
    if (fault?.times !== undefined) fault.times--;
    return (fault as Extract<HubFault, { kind: Kind }> | undefined) ?? null;
  }

  async function sendFile(host: 'hub' | 'cdn', request: IncomingMessage, response: ServerResponse, path: string, content: HubContent, headers: Record<string, string>): Promise<void> {
    const total = sizeOf(content);
    const validators: Record<string, string> = take(host, path, 'noValidator') ? {} : { etag: `"${isLarge(path) ? await sha256Of(content) : blobIdOf(content)}"` };
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const isFresh = request.headers['if-range'] === undefined || request.headers['if-range'] === validators['etag'];
    const useRange = match && isFresh && !take(host, path, 'noRange');
    const begin = useRange ? Number(match[1]) : 0;
    const end = useRange && match[2] ? Math.min(Number(match[2]) + 1, total) : total;
    if (useRange && begin >= total) return void response.writeHead(416, { ...headers, 'content-range': `bytes */${total}` }).end();
    const length = take(host, path, 'wrongLength')?.length ?? end - begin;
    response.writeHead(useRange ? 206 : 200, {
      ...headers, ...validators, 'content-type': 'application/octet-stream', 'accept-ranges': 'bytes', 'content-length': String(length),
      ...(useRange ? { 'content-range': `bytes ${begin}-${end - 1}/${total}` } : {}),
    });
    if (request.method === 'HEAD') return void response.end();
    const cut = take(host, path, 'cut');
    const corrupt = take(host, path, 'corrupt');
    const slow = take(host, path, 'slow');
    const pieces = content instanceof Uint8Array ? cutInto(content.subarray(begin, end), slow?.bytes ?? 65_536) : createReadStream(content.filePath, { start: begin, end: Math.max(begin, end - 1), highWaterMark: slow?.bytes ?? 65_536 });
    let sent = 0;
    for await (const piece of pieces as AsyncIterable<Uint8Array>) {
      let bytes = piece;
      if (corrupt && corrupt.at >= begin + sent && corrupt.at < begin + sent + bytes.byteLength) {
        bytes = bytes.slice();
        bytes[corrupt.at - begin - sent]! ^= 0x55;
      }
      if (cut && sent + bytes.byteLength >= cut.afterBytes) {
        bytes = bytes.subarray(0, cut.afterBytes - sent);
        // What was written has to leave before the connection breaks.
        await new Promise((resolve) => response.write(bytes, resolve));
        await new Promise((resolve) => setTimeout(resolve, 20));
        return void response.destroy();
      }
      if (response.destroyed) return;
      if (!response.write(bytes)) await drained(response);
      sent += bytes.byteLength;
      if (slow) await new Promise((resolve) => setTimeout(resolve, slow.pauseMs));
    }
    if (length > sent) return void response.destroy();
    response.end();
  }

  function refuse(response: ServerResponse, status: number, code: string | null, message: string): void {
    response.writeHead(status, { ...CORS, 'content-type': 'application/json', ...(code ? { 'x-error-code': code } : {}), 'x-error-message': message }).end(JSON.stringify({ error: message }));
  }

  /** The repository that a path names, if this request may see it; the refusal is sent otherwise. */
  function find(request: IncomingMessage, response: ServerResponse, id: string, revision: string, forContent: boolean): HubRepo | null {
    const repo = known.get(id);
    const given = request.headers.authorization;
    if (given !== undefined && given !== `Bearer ${token}`) return refuse(response, 401, null, 'Invalid credentials in Authorization header'), null;
    if (!repo || (repo.private && !given)) return refuse(response, given ? 404 : 401, given ? 'RepoNotFound' : null, given ? 'Repository not found' : 'Invalid username or password.'), null;
    if (![commitOf(repo), 'main', ...(repo.revisions ?? [])].includes(revision)) return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`), null;
    if (forContent && repo.gated && !given) return refuse(response, 401, 'GatedRepo', `Access to model ${id} is restricted. You must have access to it and be authenticated to access it. Please log in.`), null;
    return repo;
  }

  async function answerHub(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const api = /^\/api\/models\/([^?]+?)\/revision\/([^?]+)$/.exec(path);
    if (api) {
      const [id, revision] = [decodeURIComponent(api[1]!), decodeURIComponent(api[2]!)];
      const repo = find(request, response, id, revision, false);
      if (!repo) return;
      const siblings = await Promise.all([...repo.files].map(async ([rfilename, content]) => ({
        rfilename, size: sizeOf(content), blobId: blobIdOf(content),
        ...(isLarge(rfilename) ? { lfs: { sha256: await sha256Of(content), size: sizeOf(content), pointerSize: 134 } } : {}),
      })));
      const body = JSON.stringify({ id, sha: commitOf(repo), private: repo.private ?? false, gated: repo.gated ?? false, pipeline_tag: 'text-generation', ...(repo.licence ? { cardData: { license: repo.licence } } : {}), siblings });
      const gzip = String(request.headers['accept-encoding'] ?? '').includes('gzip');
      return void response.writeHead(200, { ...CORS, 'content-type': 'application/json', ...(gzip ? { 'content-encoding': 'gzip' } : {}) }).end(gzip ? gzipSync(body) : body);
    }
    const resolve = /^\/((?:[^/]+\/)?[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    if (!resolve) return refuse(response, 404, null, 'Not found');
    const [id, revision, file] = resolve.slice(1).map(decodeURIComponent) as [string, string, string];
    const repo = find(request, response, id, revision, true);
    if (!repo) return;
    const content = repo.files.get(file);
    if (!content) return refuse(response, 404, 'EntryNotFound', 'Entry not found');
    const headers = { ...CORS, 'x-repo-commit': commitOf(repo) };
    if (!isLarge(file)) return sendFile('hub', request, response, path, content, headers);
    response.writeHead(302, { ...headers, location: `${cdn.origin}/${id}/${file}?signature=1`, 'x-linked-size': String(sizeOf(content)), 'x-linked-etag': `"${await sha256Of(content)}"` }).end();
  }

  async function answerCdn(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const [owner, name, ...rest] = path.slice(1).split('/');
    const content = known.get(`${owner}/${name}`)?.files.get(rest.join('/'));
    if (!content) return void response.writeHead(404, CORS).end();
    return sendFile('cdn', request, response, path, content, CORS);
  }

  function listen(host: 'hub' | 'cdn', answer: typeof answerHub): Promise<{ server: Server; origin: string }> {
    const server = createServer((request, response) => {
      const path = new URL(request.url ?? '/', 'http://localhost').pathname;
      if (request.method === 'OPTIONS') {
        preflights.push({ host, path });
        return void response.writeHead(204, CORS).end();
      }
      const call: HubCall = { host, method: request.method ?? '', path, range: request.headers.range ?? null, authorization: request.headers.authorization ?? null, status: 0 };
      calls.push(call);
      response.once('close', () => (call.status = response.statusCode));
      const fault = take(host, path, 'status', 'refuse', 'hang');
      if (fault?.kind === 'status') return void response.writeHead(fault.status, { ...CORS, ...fault.headers }).end();
      if (fault?.kind === 'refuse') return void request.socket.destroy();
      if (fault?.kind === 'hang') return;
      if (request.method === 'HEAD' && take(host, path, 'noHead')) return void response.writeHead(405, CORS).end();
      answer(request, response, path).catch((error: unknown) => response.destroy(error as Error));
    });
    return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({ server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })));
  }

  const cdn = await listen('cdn', answerCdn);
  const hub = await listen('hub', answerHub);
  return {
    endpoint: hub.origin,
    cdn: cdn.origin,
    url: (id) => `${hub.origin}/${id}/resolve/main/`,
    commit: (id) => commitOf(known.get(id)!),
    calls,
    preflights,
    repos: known,
    faults,
    async close() {
      for (const { server } of [hub, cdn]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

/** Resolves when the response takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

async function* cutInto(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, Math.min(at + size, bytes.byteLength));
}
