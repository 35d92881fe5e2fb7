/**
 * Requests with patience: passing faults (429, 5xx, a broken connection) are tried again, everything else is explained.
 * Not for what a status means on the Hub (hub/hubErrors.ts) and not for large bodies (download.ts).
 * Sends no header that makes a browser ask the server first (a preflight), but for the token.
 */
import { EngineError } from '../base/errors.ts';

/** The surroundings of a request; tests bring their own. */
export interface HttpHost {
  fetch(url: string, init: RequestInit): Promise<Response>;
  /** @throws whatever the signal was aborted with */
  wait(ms: number, signal?: AbortSignal): Promise<void>;
  /** Milliseconds, monotonic. */
  now(): number;
  /** What the system says; false also means "unknown". */
  isOffline(): boolean;
  /** A connection from which nothing comes for so long is given up. */
  stallMs: number;
}

export const defaultHttpHost: HttpHost = {
  fetch: (url, init) => fetch(url, init),
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, ms);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
  now: () => performance.now(),
  isOffline: () => (globalThis as { navigator?: { onLine?: boolean } }).navigator?.onLine === false,
  stallMs: 60_000,
};

/** Statuses that may be over the next time. */
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);
const FIRST_WAIT_MS = 1000;
/** A server that wants a longer pause is obeyed by giving up, not by a page that seems to hang. */
const LONGEST_WAIT_MS = 60_000;
const ATTEMPTS = 5;

export const isPassing = (status: number): boolean => PASSING.has(status);

/** Milliseconds before the n-th repetition, n from 1: 1, 2, 4, 8, 16 s. */
export const backoffMs = (n: number): number => FIRST_WAIT_MS * 2 ** (n - 1);

/** What the server asks for: Retry-After in seconds or as a date, or the reset of the Hub's RateLimit header. Null if it says nothing. */
export function retryAfterMs(headers: Headers, nowMs = Date.now()): number | null {
  const value = headers.get('retry-after');
  if (value !== null) {
    const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs;
    if (Number.isFinite(ms)) return Math.max(0, ms);
  }
  const reset = /;\s*t=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1];
  return reset === undefined ? null : Number(reset) * 1000;
}

/** The deepest reason that a failed fetch carries: Node hides "ECONNREFUSED" two errors deep. */
function reasonOf(thrown: unknown): string {
  const cause = (thrown as { cause?: { code?: unknown; message?: unknown } } | null)?.cause;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return typeof cause?.code === 'string' ? cause.code : typeof cause?.message === 'string' && cause.message !== '' ? cause.message : message;
}

/** What a person should know when no answer came at all. */
export function toConnectionError(url: string, thrown: unknown, host: HttpHost): EngineError {
  if (host.isOffline()) return new EngineError('network', `${url}: this computer is offline. Connect it, or load a model that is here already.`, { cause: thrown });
  return new EngineError('network', `${url}: no answer (${reasonOf(thrown)}). Is the address right, is this computer online, and does that server allow this page to read from it (CORS)?`, { cause: thrown });
}

export function cancelled(): EngineError {
  return new EngineError('cancelled', 'The download was cancelled.');
}

/** What a status means where nothing better is known. */
export function toStatusError(url: string, response: Response): EngineError {
  const { status } = response;
  if (status === 401 || status === 403) return new EngineError('access', `${url}: access refused (status ${status}).`);
  if (status === 404 || status === 410) return new EngineError('not-found', `${url}: there is no such file (status ${status}).`);
  if (status === 429) {
    const ms = retryAfterMs(response.headers);
    return new EngineError('network', `${url}: too many requests (status 429). Try again ${ms === null ? 'in a few minutes' : `in ${Math.ceil(ms / 1000)} s`}.`);
  }
  return new EngineError('network', `${url}: the server answered with status ${status}${isPassing(status) ? ', again and again. Try again later' : ''}.`);
}

export interface RequestOptions {
  method?: 'GET' | 'HEAD';
  /** "bytes=0-0" */
  range?: string;
  /** Sent as a bearer token. The caller makes sure that `url` may have it. */
  token?: string | null;
  signal?: AbortSignal;
  host: HttpHost;
  /** Statuses that are an answer too. */
  accept?: readonly number[];
  /** Explains a refusal. */
  explain?(response: Response): EngineError;
}

/** Headers of a request. A simple range needs no preflight; the token does, and a redirect to another origin drops it. */
export function headersOf({ range, token }: Pick<RequestOptions, 'range' | 'token'>): Record<string, string> {
  return { ...(range === undefined ? {} : { Range: range }), ...(token ? { Authorization: `Bearer ${token}` } : {}) };
}

/**
 * @returns a response whose status is fine, its body unread
 * @throws EngineError network | access | not-found | cancelled; never names the token
 */
export async function request(url: string, options: RequestOptions): Promise<Response> {
  const { host, signal, method = 'GET', accept = [], explain = (response: Response) => toStatusError(url, response) } = options;
  for (let attempt = 1; ; attempt++) {
    let response: Response;
    try {
      response = await host.fetch(url, { method, headers: headersOf(options), signal: signal ?? null, referrerPolicy: 'no-referrer', credentials: 'omit' });
    } catch (thrown) {
      if (signal?.aborted) throw cancelled();
      // One more try for a connection that broke; an address that does not exist stays so.
      if (attempt > 1 || host.isOffline()) throw toConnectionError(url, thrown, host);
      await pause(FIRST_WAIT_MS / 2, host, signal);
      continue;
    }
    if (response.ok || accept.includes(response.status)) return response;
    await response.body?.cancel();
    const waitMs = retryAfterMs(response.headers) ?? backoffMs(attempt);
    if (!isPassing(response.status) || attempt >= ATTEMPTS || waitMs > LONGEST_WAIT_MS) throw explain(response);
    await pause(waitMs, host, signal);
  }
}

/** @throws EngineError cancelled */
export async function pause(ms: number, host: HttpHost, signal?: AbortSignal): Promise<void> {
  try {
    await host.wait(ms, signal);
  } catch (thrown) {
    throw signal?.aborted ? cancelled() : thrown;
  }
}

/** The whole body of a small file. @throws EngineError unsupported if it is larger */
export async function readSmallBody(response: Response, url: string, maxBytes: number, host: HttpHost, signal?: AbortSignal): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    for (;;) {
      const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
      if (done) break;
      chunks.push(value as Uint8Array);
      sizeBytes += (value as Uint8Array).byteLength;
      if (sizeBytes > maxBytes) {
        await reader?.cancel();
        throw new EngineError('unsupported', `${url}: more than the ${maxBytes} bytes that such a file may have.`);
      }
    }
  } catch (thrown) {
    if (signal?.aborted) throw cancelled();
    throw thrown instanceof EngineError ? thrown : toConnectionError(url, thrown, host);
  }
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.byteLength;
  }
  return bytes;
}
