/** Loads a language model into the engine: the demo model, or a Hugging Face folder of the person's own (files or a zip). */
import { EngineError, toFailure } from '../../src/base/errors.ts';
import type { ModelView } from '../../src/protocol/views.ts';
import { studio } from '../store/studio.ts';
import { runJob } from './engine.ts';
import { loadModelFolder, saveModelFolder } from './modelFolderStore.ts';
import type { ModelFile } from './modelFolderStore.ts';

/** Loads the model that ships with the studio; downloads at most 4 MB from where the studio itself came from. */
export async function loadDemoModel(): Promise<ModelView | null> {
  const model = await runJob('loadModel', { source: { kind: 'embedded', name: 'demo', baseUrl: new URL('models/demo/', document.baseURI).href } });
  if (model) studio.edit('engine', { reopenModel: 'demo' });
  return model;
}

/** Loads a folder or one zip. Nothing is uploaded: the files go to the worker of this page and, so that a reload finds them, to this browser's own storage. */
export async function loadModelFiles(files: readonly File[]): Promise<ModelView | null> {
  try {
    const folder = await readModelFiles(files);
    const model = await load(folder.name, folder.files);
    if (!model) return null;
    const kept = await saveModelFolder(folder);
    studio.edit('engine', { reopenModel: kept ? 'files' : 'none' });
    if (!kept) studio.notify({ tone: 'neutral', title: 'The model is too large to keep here', detail: 'After a reload, choose its folder again.' });
    return model;
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'The model could not be loaded', detail: toFailure(thrown).message });
    return null;
  }
}

/** Loads the folder that `loadModelFiles` kept. */
export async function reloadOwnModel(): Promise<ModelView | null> {
  const folder = await loadModelFolder();
  if (!folder) {
    studio.edit('engine', { reopenModel: 'none' });
    return null;
  }
  return load(folder.name, folder.files);
}

function load(name: string, files: ModelFile[]): Promise<ModelView | null> {
  return runJob('loadModel', { source: { kind: 'files', name, files: files.map(({ path, bytes }) => ({ path, data: bytes })) } });
}

/** Reads dropped files; a single zip is unpacked; a common top folder is taken off the paths and becomes the name. */
export async function readModelFiles(files: readonly File[]): Promise<{ name: string; files: ModelFile[] }> {
  const first = files[0];
  if (!first) throw new EngineError('bad-file', 'No files were chosen. Choose the folder that holds config.json and model.safetensors.');
  let entries: ModelFile[];
  let name = '';
  if (files.length === 1 && /\.zip$/i.test(first.name)) {
    const { unzipSync } = await import('fflate');
    name = first.name.replace(/\.zip$/i, '');
    let unpacked: Record<string, Uint8Array>;
    try {
      unpacked = unzipSync(new Uint8Array(await first.arrayBuffer()));
    } catch (thrown) {
      throw new EngineError('bad-file', `${first.name} is not a zip file that can be read (${toFailure(thrown).message}).`, { cause: thrown });
    }
    entries = Object.entries(unpacked).map(([path, bytes]) => ({ path, bytes }));
  } else {
    entries = await Promise.all(files.map(async (file) => ({ path: file.webkitRelativePath || file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
  }
  entries = entries.filter(({ path }) => !path.endsWith('/') && !/(^|\/)(\.|__MACOSX)/.test(path));
  const config = entries.map(({ path }) => path).filter((path) => /(^|\/)config\.json$/.test(path)).sort((a, b) => a.length - b.length)[0];
  if (!config) throw new EngineError('bad-file', 'There is no config.json among these files. Choose the whole Hugging Face folder, or a zip of it.');
  const top = config.slice(0, -'config.json'.length);
  const inside = entries.filter(({ path }) => path.startsWith(top)).map(({ path, bytes }) => ({ path: path.slice(top.length), bytes }));
  return { name: top.replace(/\/$/, '').split('/').at(-1) || name || 'own model', files: inside };
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
