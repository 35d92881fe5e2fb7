/**
 * Models that were downloaded: fetched file by file, gone on with after any interruption, checked before they count, and kept.
 * Lies on a RangeStore (OPFS, disk, memory). A model is complete when each of its files is there with the right size and hash.
 * Not for the embedded model, nor for files that a person gives: those are read where they are.
 */
import { EngineError } from '../base/errors.ts';
import { downloadFile } from './download.ts';
import { createDownloadMeter, type DownloadProgress } from './downloadProgress.ts';
import type { FolderSource } from './folderSource.ts';
import type { HubAccess } from './hub/hubClient.ts';
import { hashFile, type ModelFile } from './modelFile.ts';
import { contentPath, isComplete, keyOf, listKeys, MODELS_FOLDER, readManifest, writeManifest, type ManifestFile, type ManifestSource, type ModelManifest } from './modelManifest.ts';
import { explainFile, planHubModel, planUrlModel, toBaseUrl, tokenFor, urlOf, type ModelPlan, type RemoteSource } from './modelPlan.ts';
import { isNoSpace, type RangeStore } from './rangeStore.ts';

/** A plan, and how much of it is here. */
export interface ResolvedModel extends ModelPlan {
  key: string;
  /** Bytes that are here, by path. */
  cached: Map<string, number>;
  /** What the person should know, e.g. that the server cannot be reached and the copy is used; null if nothing. */
  notice: string | null;
}

/** A model in the cache. */
export interface CacheEntry {
  key: string;
  manifest: ModelManifest;
  isComplete: boolean;
  totalBytes: number;
  cachedBytes: number;
}

export interface CacheUsage {
  /** Of all models. */
  usageBytes: number;
  /** What the browser or the disk allows, and what is in use of it; null where it does not tell. */
  site: { usageBytes: number; quotaBytes: number } | null;
}

export interface DownloadOptions {
  access: HubAccess;
  signal: AbortSignal;
  onProgress?(progress: DownloadProgress): void;
}

export interface ModelCache {
  /**
   * Finds out what a source consists of, without large downloads. Without network a complete copy does.
   * @throws EngineError not-found, access, unsupported, network, bad-argument, bad-file, cancelled
   */
  resolve(source: RemoteSource, access: HubAccess, signal?: AbortSignal): Promise<ResolvedModel>;
  /**
   * Downloads what is missing, checks it, and opens the model. What came before an error is kept.
   * @throws EngineError storage (too little space, with numbers), busy, network, access, bad-file, cancelled
   */
  open(model: ResolvedModel, options: DownloadOptions): Promise<FolderSource>;
  list(): Promise<CacheEntry[]>;
  usage(): Promise<CacheUsage>;
  /** Nothing happens if there is no such model. @throws EngineError busy */
  delete(key: string): Promise<void>;
  /**
   * Hashes every complete file again; a bad one no longer counts as there. `repair` downloads what is missing.
   * @throws EngineError not-found, busy, cancelled, and what downloads throw
   */
  verify(key: string, repair: boolean, options: Omit<DownloadOptions, 'onProgress'> & { onHashed?(doneBytes: number, totalBytes: number): void; onProgress?: DownloadOptions['onProgress'] }): Promise<{ badFiles: string[]; repairedFiles: string[] }>;
}

const megabytes = (bytes: number): string => (bytes >= 1e9 ? `${(bytes / 1e9).toFixed(2)} GB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`);
const totalOf = (files: readonly { sizeBytes: number | null }[]): number => files.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0);

/** An ETag and a date say nothing of each other. */
const differ = (a: string | null, b: string | null): boolean => a !== null && b !== null && a.startsWith('"') === b.startsWith('"') && a !== b;
function isSameFile(a: Pick<ManifestFile, 'sha256' | 'gitBlobSha1' | 'sizeBytes' | 'validator'>, b: typeof a): boolean {
  const isSameSize = a.sizeBytes === null || b.sizeBytes === null || a.sizeBytes === b.sizeBytes;
  return a.sha256 === b.sha256 && a.gitBlobSha1 === b.gitBlobSha1 && isSameSize && !differ(a.validator, b.validator);
}

/** @param store borrowed @param timestamp ISO time of day */
export function createModelCache(store: RangeStore, timestamp: () => string = () => new Date().toISOString()): ModelCache {
  async function readEntry(key: string): Promise<CacheEntry | null> {
    const manifest = await readManifest(store, key);
    if (!manifest) return null;
    const cachedBytes = [...(await sizesOf(key, manifest.files)).values()].reduce((sum, bytes) => sum + bytes, 0);
    return { key, manifest, isComplete: isComplete(manifest), totalBytes: Math.max(cachedBytes, totalOf(manifest.files)), cachedBytes };
  }
  async function list(): Promise<CacheEntry[]> {
    const entries = await Promise.all((await listKeys(store)).map(readEntry));
    return entries.filter((entry) => entry !== null).sort((a, b) => (a.manifest.lastUsedAt < b.manifest.lastUsedAt ? 1 : -1));
  }
  async function sizesOf(key: string, files: readonly { path: string }[]): Promise<Map<string, number>> {
    const sizes = new Map<string, number>();
    for (const { path } of files) sizes.set(path, await store.size(contentPath(key, path)));
    return sizes;
  }
  async function openFile(key: string, { path, contentSha256 }: ManifestFile): Promise<ModelFile | null> {
    const reader = contentSha256 === null ? null : await store.openReader(contentPath(key, path));
    return reader ? { path, sizeBytes: reader.sizeBytes, sha256: contentSha256 as string, read: (begin, end) => reader.read(begin, end) } : null;
  }
  /** `body` while no other tab or program works on this model. */
  const exclusively = <T>(key: string, body: () => Promise<T>): Promise<T> => store.exclusively(key, body);

  /** The newest complete copy that was reached by this name. */
  async function findCopy(source: RemoteSource, endpoint: string): Promise<CacheEntry | null> {
    const matches = ({ manifest: { source: of, revisions } }: CacheEntry): boolean =>
      source.kind === 'url' ? of.kind === 'url' && of.baseUrl === toBaseUrl(source.baseUrl) : of.kind === 'hub' && of.id === source.id && of.endpoint === endpoint && (of.commit === source.revision || revisions.includes(source.revision));
    return (await list()).find((entry) => entry.isComplete && matches(entry)) ?? null;
  }
  async function toResolved(entry: CacheEntry, revision: string | null, notice: string | null): Promise<ResolvedModel> {
    const { key, manifest } = entry;
    const config = await store.read(contentPath(key, 'config.json'));
    if (!config) throw new EngineError('storage', `The cached config.json of ${manifest.name} is gone. Delete the model and download it again.`);
    const { name, source, licence, gated, files } = manifest;
    return { key, name, source, revision, licence, gated, files: files.map(({ contentSha256: _, ...file }) => file), config, cached: await sizesOf(key, files), notice };
  }

  /** What is stored, brought in line with what the source has now: files that are no longer the same are dropped. */
  async function reconcile(model: ResolvedModel): Promise<ModelManifest> {
    const before = await readManifest(store, model.key);
    const known = new Map(before?.files.map((file) => [file.path, file]));
    const files: ManifestFile[] = [];
    for (const planned of model.files) {
      const had = known.get(planned.path);
      known.delete(planned.path);
      const path = contentPath(model.key, planned.path);
      if (had && isSameFile(had, planned)) {
        const isThere = had.contentSha256 !== null && (await store.size(path)) === had.sizeBytes;
        files.push({ ...had, ...(planned.sizeBytes === null ? {} : { sizeBytes: planned.sizeBytes }), contentSha256: isThere ? had.contentSha256 : null });
      } else {
        await store.remove(path);
        // The validator is that of bytes that are here, and there are none.
        files.push({ ...planned, validator: null, contentSha256: null });
      }
    }
    for (const path of known.keys()) await store.remove(contentPath(model.key, path));
    const { name, source, licence, gated, revision } = model;
    const revisions = [...(before?.revisions ?? []).filter((each) => each !== revision), ...(revision === null ? [] : [revision])];
    const now = timestamp();
    return { format: 1, name, source, revisions, licence, gated, files, addedAt: before?.addedAt ?? now, lastUsedAt: now };
  }

  /** @throws EngineError storage before any byte is asked for */
  async function assertSpace(name: string, missingBytes: number): Promise<void> {
    if (missingBytes <= 0) return;
    const estimate = await store.estimate();
    const freeBytes = estimate ? Math.max(0, estimate.quotaBytes - estimate.usageBytes) : Infinity;
    if (missingBytes <= freeBytes && !(await store.hasRoom(missingBytes)))
      throw new EngineError('storage', `${name} needs ${megabytes(missingBytes)} more, and this browser does not give so much room. ${await deletable()}`);
    if (missingBytes > freeBytes)
      throw new EngineError('storage', `${name} needs ${megabytes(missingBytes)} more, but only ${megabytes(freeBytes)} are free here. ${await deletable()}`);
  }
  async function deletable(): Promise<string> {
    const models = (await list()).filter(({ cachedBytes }) => cachedBytes > 0).sort((a, b) => b.cachedBytes - a.cachedBytes);
    const names = models.slice(0, 3).map(({ manifest, cachedBytes }) => `${manifest.name} (${megabytes(cachedBytes)})`);
    return names.length === 0 ? 'Free disk space, or delete runs you no longer need.' : `Delete models or runs you no longer need; downloaded are ${names.join(', ')}${models.length > 3 ? ' and others' : ''}.`;
  }

  /** Downloads every file that is not complete. The lock is held by the caller. */
  async function complete(key: string, manifest: ModelManifest, { access, signal, onProgress }: DownloadOptions): Promise<void> {
    const cached = await sizesOf(key, manifest.files);
    const total = totalOf(manifest.files);
    await assertSpace(manifest.name, total - [...cached.values()].reduce((sum, bytes) => sum + bytes, 0));
    await writeManifest(store, key, manifest);
    const meter = createDownloadMeter(cached, total, () => access.host.now());
    for (const file of manifest.files) {
      if (file.contentSha256 !== null) continue;
      const url = urlOf(manifest.source, file.path);
      const writer = await store.openWriter(contentPath(key, file.path));
      try {
        const { sizeBytes, sha256 } = await downloadFile({
          ...file, url, token: tokenFor(url, access), writer, host: access.host, signal,
          explain: explainFile(manifest.source, access, file.path),
          async onValidator(validator) {
            file.validator = validator;
            await writeManifest(store, key, manifest);
          },
          onBytes: (there, received) => onProgress?.(meter.add(file.path, there, received)),
        });
        file.sizeBytes = sizeBytes;
        file.contentSha256 = sha256;
        meter.setTotal(totalOf(manifest.files));
      } catch (thrown) {
        if (!isNoSpace(thrown)) throw thrown;
        throw new EngineError('storage', `No space left while ${manifest.name} was being downloaded; what arrived is kept, and the download goes on from there. ${await deletable()}`, { cause: thrown });
      } finally {
        await writer.close();
      }
      await writeManifest(store, key, manifest);
    }
  }
  function folderOf(key: string, manifest: ModelManifest): FolderSource {
    const byPath = new Map(manifest.files.map((file) => [file.path, file]));
    return {
      list: () => Promise.resolve([...byPath.keys()]),
      async open(path) {
        const file = byPath.get(path);
        return file ? openFile(key, file) : null;
      },
    };
  }

  return {
    list,
    async resolve(source, access, signal) {
      const isCommit = source.kind === 'hub' && /^[0-9a-f]{40}$/.test(source.revision);
      const revision = source.kind === 'hub' ? source.revision : null;
      // A commit never means anything else, so a complete copy needs no question.
      const pinned = isCommit ? await findCopy(source, access.endpoint) : null;
      if (pinned) return toResolved(pinned, revision, null);
      const readCached = async (of: ManifestSource, path: string): Promise<Uint8Array | null> => {
        const manifest = await readManifest(store, keyOf(of));
        const isThere = manifest?.files.some((file) => file.path === path && file.contentSha256 !== null);
        return isThere ? store.read(contentPath(keyOf(of), path)) : null;
      };
      try {
        const plan = source.kind === 'hub' ? await planHubModel(access, source.id, source.revision, readCached, signal) : await planUrlModel(access, source.name, source.baseUrl, signal);
        const key = keyOf(plan.source);
        const stored = new Map((await readManifest(store, key))?.files.map((file) => [file.path, file]));
        const sizes = await sizesOf(key, plan.files);
        // Bytes of another version will not be used.
        for (const file of plan.files) {
          const had = stored.get(file.path);
          if (!had || !isSameFile(had, file)) sizes.set(file.path, 0);
        }
        return { ...plan, key, cached: sizes, notice: null };
      } catch (thrown) {
        const copy = thrown instanceof EngineError && thrown.code === 'network' ? await findCopy(source, access.endpoint) : null;
        if (!copy) throw thrown;
        const { manifest } = copy;
        const version = manifest.source.kind === 'hub' ? `commit ${manifest.source.commit.slice(0, 7)}` : 'the version';
        return toResolved(copy, revision, `${new URL(urlOf(manifest.source, '')).host} cannot be reached; ${version} downloaded on ${manifest.addedAt.slice(0, 10)} is used.`);
      }
    },
    async open(model, options) {
      return exclusively(model.key, async () => {
        const manifest = await reconcile(model);
        if (!isComplete(manifest)) await complete(model.key, manifest, options);
        await writeManifest(store, model.key, manifest);
        return folderOf(model.key, manifest);
      });
    },
    async usage() {
      return { usageBytes: await store.size(MODELS_FOLDER), site: await store.estimate() };
    },
    async delete(key) {
      await exclusively(key, () => store.remove(`${MODELS_FOLDER}/${key}`));
    },
    async verify(key, repair, options) {
      return exclusively(key, async () => {
        const manifest = await readManifest(store, key);
        if (!manifest) throw new EngineError('not-found', `There is no model "${key}" in the cache.`);
        const checked = manifest.files.filter(({ contentSha256 }) => contentSha256 !== null);
        const total = totalOf(checked);
        const badFiles: string[] = [];
        let before = 0;
        for (const file of checked) {
          const stored = await openFile(key, file);
          const digest = stored && (await hashFile(stored, (hashed) => options.onHashed?.(before + hashed, total), options.signal));
          before += file.sizeBytes ?? 0;
          if (digest === file.contentSha256) continue;
          badFiles.push(file.path);
          file.contentSha256 = null;
          file.validator = null;
          await store.remove(contentPath(key, file.path));
        }
        if (badFiles.length > 0) await writeManifest(store, key, manifest);
        if (!repair || isComplete(manifest)) return { badFiles, repairedFiles: [] };
        await complete(key, manifest, { ...options, ...(options.onProgress ? { onProgress: options.onProgress } : {}) });
        return { badFiles, repairedFiles: badFiles.filter((path) => manifest.files.some((file) => file.path === path && file.contentSha256 !== null)) };
      });
    },
  };
}
