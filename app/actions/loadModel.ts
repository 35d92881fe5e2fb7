/** Loads a language model into the engine: the demo model, a downloaded one, or a Hugging Face folder of the person's own. */
import { EngineError, toFailure, type EngineFailure } from '../../src/base/errors.ts';
import type { ModelSource } from '../../src/protocol/jobs.ts';
import type { ModelView } from '../../src/protocol/views.ts';
import { studio } from '../store/studio.ts';
import { askJob, runJob } from './engine.ts';
import { hubAccess } from './hubAccess.ts';
import { refreshDownloads } from './modelCache.ts';
import { loadModelFolder, saveModelFolder } from './modelFolderStore.ts';
import { prepareModel } from './prepareModel.ts';

/** Loads the model that ships with the studio; downloads at most 4 MB from where the studio itself came from. */
export async function loadDemoModel(): Promise<ModelView | null> {
  const model = await runJob('loadModel', { source: { kind: 'embedded', name: 'demo', baseUrl: new URL('models/demo/', document.baseURI).href } });
  if (!model) return null;
  studio.edit('engine', { reopenModel: 'demo' });
  await prepareModel(model);
  return model;
}

/**
 * Loads any source, downloading what is missing: whoever calls has asked the person.
 * @returns why it failed; null if it is loaded, or was cancelled
 */
export async function loadSource(source: ModelSource): Promise<EngineFailure | null> {
  const remote = source.kind === 'hub' || source.kind === 'url';
  const outcome = await askJob('loadModel', { source, ...(remote ? { access: hubAccess(source) } : {}) });
  if (remote) await refreshDownloads();
  if ('failure' in outcome) return outcome.failure;
  if (remote) {
    studio.edit('engine', { reopenModel: 'downloaded', downloaded: source });
    // Else the browser may clear gigabytes that took minutes to come when its disk fills up. A refusal changes nothing.
    void navigator.storage?.persist?.();
  }
  if (source.kind === 'files') await keepFolder(source);
  await prepareModel(outcome.result);
  return null;
}

async function keepFolder(source: Extract<ModelSource, { kind: 'files' }>): Promise<void> {
  const kept = await saveModelFolder({ name: source.name, files: source.files });
  studio.edit('engine', { reopenModel: kept ? 'files' : 'none' });
  if (!kept) studio.notify({ tone: 'neutral', title: 'This folder is too large to keep in the browser', detail: 'After a reload, choose it again.' });
}

/** Loads the folder that was kept from the last visit. */
export async function reloadOwnModel(): Promise<void> {
  const folder = await loadModelFolder();
  if (!folder) return studio.edit('engine', { reopenModel: 'none' });
  const model = await runJob('loadModel', { source: { kind: 'files', ...folder } });
  if (model) await prepareModel(model);
}

/**
 * Dropped or chosen files as a source; nothing is read here. A single zip goes as it is: the engine reads from inside it.
 * @throws EngineError bad-file where no model can be among them
 */
export function sourceOfFiles(files: readonly File[]): Extract<ModelSource, { kind: 'files' }> {
  const first = files[0];
  if (!first) throw new EngineError('bad-file', 'No files were chosen. Choose the folder that holds config.json and model.safetensors.');
  if (files.length === 1 && /\.zip$/i.test(first.name)) return { kind: 'files', name: first.name.replace(/\.zip$/i, ''), files: [{ path: first.name, data: first }] };
  const entries = files.map((file) => ({ path: file.webkitRelativePath || file.name, data: file })).filter(({ path }) => !/(^|\/)(\.|__MACOSX)/.test(path));
  const config = entries.map(({ path }) => path).filter((path) => /(^|\/)config\.json$/.test(path)).sort((a, b) => a.length - b.length)[0];
  if (!config) throw new EngineError('bad-file', 'There is no config.json among these files. Choose the whole Hugging Face folder, or a zip of it.');
  const top = config.slice(0, -'config.json'.length);
  const inside = entries.filter(({ path }) => path.startsWith(top)).map(({ path, data }) => ({ path: path.slice(top.length), data }));
  return { kind: 'files', name: top.replace(/\/$/, '').split('/').at(-1) || 'own model', files: inside };
}

/** Size of the demo model's weights, bytes, without downloading them; null if the server does not say. */
export async function demoModelSize(): Promise<number | null> {
  try {
    const response = await fetch(new URL('models/demo/model.safetensors', document.baseURI), { method: 'HEAD' });
    const length = Number(response.headers.get('content-length'));
    return response.ok && length > 0 ? length : null;
  } catch (thrown) {
    // Offline: loading itself will say so.
    if (thrown instanceof TypeError) return null;
    throw thrown;
  }
}

/** What is wrong with chosen files, as a failure; or their source. */
export function trySourceOfFiles(files: readonly File[]): { source: ModelSource } | { failure: EngineFailure } {
  try {
    return { source: sourceOfFiles(files) };
  } catch (thrown) {
    return { failure: toFailure(thrown) };
  }
}
