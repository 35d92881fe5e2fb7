/** What tests of downloads share: a small published model, a cache, and a network whose pauses take no time. */
import type { DownloadProgress } from '../loader/downloadProgress.ts';
import { HUB_ENDPOINT, type HubAccess } from '../loader/hub/hubClient.ts';
import type { HttpHost } from '../loader/http.ts';
import { createMemoryFileStore } from '../loader/memoryFileStore.ts';
import { createModelCache, type ModelCache } from '../loader/modelCache.ts';
import { readWhole } from '../loader/modelFile.ts';
import type { RemoteSource } from '../loader/modelPlan.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import { startHubServer, type HubContent, type HubRepo, type HubServer } from './hubServer.ts';

export const ID = 'tests/tiny';
export const HUB: Extract<RemoteSource, { kind: 'hub' }> = { kind: 'hub', id: ID, revision: 'main' };

const text = (value: string) => new TextEncoder().encode(value);

/** Bytes without a pattern that a shifted part could match; fast, for large files. */
export function randomBytes(length: number, seed = 1): Uint8Array {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0, x = seed; i < words.length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    words[i] = x ^ (x >>> 15);
  }
  return new Uint8Array(words.buffer, 0, length);
}

/** A model in the layout of the Hub; its weights are no safetensors, which no download asks. */
export function publishedFiles(weightBytes = 300_000): Map<string, HubContent> {
  return new Map<string, HubContent>([
    ['.gitattributes', text('*.bin filter=lfs')],
    ['README.md', text('---\nlicense: apache-2.0\n---\n# Card')],
    ['config.json', text('{"model_type":"llama"}')],
    ['generation_config.json', text('{}')],
    ['model.safetensors', randomBytes(weightBytes)],
    ['pytorch_model.bin', randomBytes(1000, 2)],
    ['onnx/model.onnx', randomBytes(1000, 3)],
    ['tokenizer.json', text('{"version":"1.0"}')],
    ['tokenizer_config.json', text('{}')],
  ]);
}

export interface TestHost extends HttpHost {
  /** The pauses that were asked for, ms. */
  waits: number[];
  /** Ends every connection attempt when true. */
  cutOff: boolean;
}

/** The real fetch; pauses are noted and take no time. */
export function createTestHost(): TestHost {
  const host: TestHost = {
    waits: [],
    cutOff: false,
    fetch: (url, init) => (host.cutOff ? Promise.reject(new TypeError('fetch failed')) : fetch(url, init)),
    async wait(ms, signal) {
      host.waits.push(ms);
      if (signal?.aborted) throw signal.reason;
    },
    now: () => performance.now(),
    isOffline: () => false,
    stallMs: 30_000,
  };
  return host;
}

export const accessTo = (endpoint: string = HUB_ENDPOINT, host: HttpHost = createTestHost(), token: string | null = null): HubAccess => ({ endpoint, token, host });

export interface DownloadAs {
  token?: string;
  signal?: AbortSignal;
  onProgress?(progress: DownloadProgress): unknown;
  cache?: ModelCache;
}

export interface HubWorld {
  server: HubServer;
  cache: ModelCache;
  store: RangeStore;
  host: TestHost;
  /** Every progress so far. */
  seen: DownloadProgress[];
  /** Resolves and opens; gives the weights. */
  download(source?: RemoteSource, as?: DownloadAs): Promise<Uint8Array>;
  /** As they are published now. */
  weights(): Uint8Array;
  /** Ranges of the requests for the weights that the CDN had. */
  ranges(): (string | null)[];
  close(): Promise<void>;
}

/** A server with one repository and an empty cache; close it. */
export async function openHubWorld(repo: Partial<HubRepo> = {}, store: RangeStore = createMemoryFileStore()): Promise<HubWorld> {
  const server = await startHubServer({ repos: { [ID]: { files: publishedFiles(), licence: 'apache-2.0', ...repo } } });
  const host = createTestHost();
  const cache = createModelCache(store);
  const seen: DownloadProgress[] = [];
  return {
    server, cache, store, host, seen,
    async download(source = HUB, { token, signal = new AbortController().signal, onProgress, cache: used = cache } = {}) {
      const access = accessTo(server.endpoint, host, token ?? null);
      const model = await used.resolve(source, access, signal);
      const folder = await used.open(model, {
        access, signal,
        onProgress(progress) {
          seen.push(progress);
          onProgress?.(progress);
        },
      });
      const file = await folder.open('model.safetensors');
      if (!file) throw new Error('The weights are not there.');
      return readWhole(file, 2 ** 30);
    },
    weights: () => server.repos.get(ID)?.files.get('model.safetensors') as Uint8Array,
    ranges: () => server.calls.filter(({ host: of, path }) => of === 'cdn' && path.endsWith('model.safetensors')).map(({ range }) => range),
    close: () => server.close(),
  };
}
