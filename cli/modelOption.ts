/** The option --model: a folder or a zip archive on disk, an address, or a model of the Hugging Face Hub. */
import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { EngineError } from '../src/base/errors.ts';
import type { FolderSource } from '../src/loader/folderSource.ts';
import { defaultHttpHost } from '../src/loader/http.ts';
import { HUB_ENDPOINT } from '../src/loader/hub/hubClient.ts';
import { toBaseUrl } from '../src/loader/modelPlan.ts';
import { openGivenFiles } from '../src/loader/zipFolder.ts';
import type { HubAccess, Jobs, ModelSource } from '../src/protocol/jobs.ts';
import { readDiskFolder } from './diskFolder.ts';
import { openModelCache } from './modelCacheFolder.ts';
import { type OptionSpec, UsageError } from './options.ts';
import { createProgressLine } from './progressLine.ts';

export const MODEL_OPTION: OptionSpec = { value: 'DIR_OR_ID', description: 'Hugging Face folder or zip, "owner/name[@revision]" on the Hub, or an address' };

type Environment = Readonly<Record<string, string | undefined>>;

/** HF_ENDPOINT and HF_TOKEN, as huggingface_hub reads them. */
export function toHubAccess({ HF_ENDPOINT: endpoint, HF_TOKEN: token }: Environment): HubAccess {
  return { ...(endpoint ? { endpoint } : {}), ...(token ? { token } : {}) };
}

/** @throws UsageError if it is neither a folder nor an archive, an address or an id */
export async function toModelSource(text: string): Promise<ModelSource> {
  const found = await stat(text).catch(() => null);
  if (found?.isDirectory()) return { kind: 'files', name: basename(resolve(text)), files: await readDiskFolder(text) };
  if (found?.isFile() && /\.zip$/i.test(text)) return { kind: 'files', name: basename(text).replace(/\.zip$/i, ''), files: [{ path: basename(text), data: await openAsBlob(text) }] };
  if (/^https?:\/\//.test(text)) return { kind: 'url', name: basename(new URL(toBaseUrl(text)).pathname) || new URL(text).host, baseUrl: text };
  const id = /^([A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*)(?:@([^\s@]+))?$/.exec(text);
  if (!id || found) throw new UsageError(`--model ${text}: there is no such folder. Name a Hugging Face folder, a zip of one, an address, or a model of the Hub such as HuggingFaceTB/SmolLM2-135M.`);
  return { kind: 'hub', id: id[1] as string, revision: id[2] ?? 'main' };
}

/** What `loadModel` takes. @throws UsageError */
export async function toLoadParams(text: string, environment: Environment = process.env): Promise<Jobs['loadModel']['params']> {
  return { source: await toModelSource(text), access: toHubAccess(environment) };
}

/**
 * The files themselves, for commands without an engine; what has to be downloaded is, with progress on stderr. Ctrl+C ends it, and what came is kept.
 * @throws UsageError, and what the cache, the archive or the network has to say
 */
export async function openModelOption(text: string, environment: Environment = process.env): Promise<FolderSource> {
  const source = await toModelSource(text);
  if (source.kind === 'files') return openGivenFiles(source.files);
  if (source.kind === 'embedded') throw new EngineError('bad-argument', 'Commands read the embedded model from its folder.');
  const { endpoint = HUB_ENDPOINT, token = null } = toHubAccess(environment);
  const access = { endpoint: toBaseUrl(endpoint).replace(/\/$/, ''), token, host: defaultHttpHost };
  const cache = openModelCache(environment);
  const abort = new AbortController();
  const onInterrupt = () => abort.abort();
  process.once('SIGINT', onInterrupt);
  const line = createProgressLine(process.stderr);
  const startMs = performance.now();
  try {
    const model = await cache.resolve(source, access, abort.signal);
    if (model.notice) process.stderr.write(`${model.notice}\n`);
    return await cache.open(model, {
      access,
      signal: abort.signal,
      onProgress: ({ doneBytes, totalBytes, bytesPerSecond, etaMs }) =>
        line.show({ phase: 'downloading', done: doneBytes, total: totalBytes, unit: 'bytes', elapsedMs: performance.now() - startMs, etaMs, ...(bytesPerSecond === null ? {} : { bytesPerSecond }) }),
    });
  } finally {
    line.end();
    process.off('SIGINT', onInterrupt);
  }
}
