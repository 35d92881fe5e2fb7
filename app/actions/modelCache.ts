/** The cache of downloaded models: list, delete, check and repair. The engine owns the files; the mirror shows what it says. */
import type { CachedModel } from '../../src/protocol/views.ts';
import type { RemoteSource } from '../store/modelAddress.ts';
import { studio } from '../store/studio.ts';
import { askJob, runJob } from './engine.ts';
import { hubAccess } from './hubAccess.ts';

/** Reads the list again. Quiet: an engine without a cache has nothing to say. */
export async function refreshDownloads(): Promise<void> {
  await askJob('listModels', {});
}

/** The source that downloads or loads this model again. */
export function sourceOfCached(model: CachedModel): RemoteSource {
  const { source } = model;
  return source.kind === 'hub' ? { kind: 'hub', id: source.id, revision: source.revision } : { kind: 'url', name: model.name, baseUrl: source.baseUrl };
}

/** Deletes the files of a downloaded model for good; the caller asks first. */
export async function deleteDownload(model: CachedModel): Promise<void> {
  const deleted = await runJob('deleteModel', { key: model.key });
  if (!deleted) return;
  const { downloaded, reopenModel } = studio.getState().drafts.engine;
  const same = downloaded !== null && JSON.stringify(downloaded) === JSON.stringify(sourceOfCached(model));
  if (same) studio.edit('engine', { downloaded: null, reopenModel: reopenModel === 'downloaded' ? 'none' : reopenModel });
  studio.notify({ tone: 'neutral', title: `The files of ${model.name} were deleted` });
}

/** Hashes every file again and downloads the bad ones once more. The person is told what was found. */
export async function repairDownload(model: CachedModel): Promise<void> {
  const checked = await runJob('verifyModel', { key: model.key, repair: true, access: hubAccess(model.source) });
  if (!checked) return;
  const { badFiles, repairedFiles } = checked;
  const left = badFiles.filter((path) => !repairedFiles.includes(path));
  if (badFiles.length === 0) studio.notify({ tone: 'safe', title: `Every file of ${model.name} is as it was downloaded` });
  else if (left.length === 0) studio.notify({ tone: 'safe', title: `${model.name} was repaired`, detail: `Downloaded again: ${repairedFiles.join(', ')}.` });
  else studio.notify({ tone: 'unsafe', title: `${model.name} could not be repaired`, detail: `Still bad: ${left.join(', ')}. Delete it and download it again.` });
}
