/** The cache of downloaded models: list, delete, verify and repair. */
import type { CachedModel, ModelCacheView } from '../../protocol/views.ts';
import type { EngineState } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { toHubAccess } from '../modelSource.ts';

async function viewCache({ models }: EngineState): Promise<ModelCacheView> {
  const entries = await models.list();
  const { usageBytes, site } = await models.usage();
  return {
    models: entries.map(({ key, manifest, isComplete, totalBytes, cachedBytes }): CachedModel => {
      const { name, source, revisions, licence, addedAt, lastUsedAt } = manifest;
      return {
        key, name, licence, addedAt, lastUsedAt, totalBytes, cachedBytes,
        state: isComplete ? 'complete' : 'partial',
        source: source.kind === 'hub' ? { kind: 'hub', id: source.id, revision: revisions.at(-1) ?? source.commit, commit: source.commit } : source,
      };
    }),
    usageBytes,
    quotaBytes: site?.quotaBytes ?? null,
    siteUsageBytes: site?.usageBytes ?? null,
  };
}

export const listModelsJob =
  (state: EngineState): JobBody<'listModels'> =>
  () =>
    viewCache(state);

export const deleteModelJob =
  (state: EngineState): JobBody<'deleteModel'> =>
  async ({ key }) => {
    await state.models.delete(key);
    return viewCache(state);
  };

export const verifyModelJob =
  (state: EngineState): JobBody<'verifyModel'> =>
  async ({ key, repair, access }, control) => {
    const found = await state.models.verify(key, repair, {
      access: toHubAccess(state, access),
      signal: control.signal,
      onHashed: (done, total) => control.progress({ phase: 'hashing', done, total, unit: 'bytes' }),
      onProgress: ({ doneBytes, totalBytes, bytesPerSecond, etaMs }) =>
        control.progress({ phase: 'downloading', done: doneBytes, total: totalBytes, unit: 'bytes', etaMs, ...(bytesPerSecond === null ? {} : { bytesPerSecond }) }),
    });
    return { ...found, cache: await viewCache(state) };
  };
