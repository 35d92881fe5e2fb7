/** Says what a model would take before anything large is downloaded: files, bytes, licence, and whether it would fit. Reads config.json, no weights. */
import { EngineError } from '../../base/errors.ts';
import { deviceLimitsOf, estimateFit } from '../../config/fit.ts';
import { parseLmConfig } from '../../config/lm.ts';
import { countParameters } from '../../config/lmParameters.ts';
import { defaultTrainConfig } from '../../config/train.ts';
import { chooseFiles, CONFIG_FILE } from '../../loader/chooseFiles.ts';
import type { FolderSource } from '../../loader/folderSource.ts';
import { readWhole } from '../../loader/modelFile.ts';
import { planUrlModel } from '../../loader/modelPlan.ts';
import { parseJson } from '../../loader/parseJson.ts';
import { INDEX_FILE, parseIndex } from '../../loader/weightFiles.ts';
import { openGivenFiles } from '../../loader/zipFolder.ts';
import type { HubAccess, ModelSource } from '../../protocol/jobs.ts';
import type { ModelFileView, ModelInspection } from '../../protocol/views.ts';
import { type EngineState, requireBackend } from '../engineState.ts';
import type { JobBody } from '../jobRunner.ts';
import { toHubAccess } from '../modelSource.ts';
import { LARGEST_TRAINED_WHOLE } from './loadModelJob.ts';

const MAX_CONFIG_BYTES = 2 ** 20;
const MAX_INDEX_BYTES = 2 ** 25;

/** What is known of a source without its weights. */
interface Outline extends Pick<ModelInspection, 'name' | 'files' | 'commit' | 'licence' | 'gated'> {
  config: Uint8Array;
  notice: string | null;
}

async function outlineOfFiles(name: string, folder: FolderSource): Promise<Outline> {
  const read = async (path: string, maxBytes: number): Promise<Uint8Array> => {
    const file = await folder.open(path);
    if (!file) throw new EngineError('not-found', `${path} is missing. Give the whole Hugging Face folder, with its files at the top.`);
    return readWhole(file, maxBytes);
  };
  const { small, weights } = chooseFiles((await folder.list()) ?? [], name);
  const paths = [...small, weights, ...(weights === INDEX_FILE ? new Set(parseIndex(await read(INDEX_FILE, MAX_INDEX_BYTES)).values()) : [])];
  const files: ModelFileView[] = [];
  for (const path of paths) {
    const file = await folder.open(path);
    if (!file) throw new EngineError('not-found', `${path} is missing but ${INDEX_FILE} names it.`);
    files.push({ path, sizeBytes: file.sizeBytes, cachedBytes: file.sizeBytes });
  }
  return { name, files, commit: null, licence: null, gated: false, config: await read(CONFIG_FILE, MAX_CONFIG_BYTES), notice: null };
}

async function outlineOf(state: EngineState, source: ModelSource, given: HubAccess | undefined, signal: AbortSignal): Promise<Outline> {
  if (source.kind === 'files') return outlineOfFiles(source.name, await openGivenFiles(source.files));
  const access = toHubAccess(state, given);
  if (source.kind === 'embedded') {
    const { files, config } = await planUrlModel({ ...access, token: null }, source.name, source.baseUrl, signal);
    return { name: source.name, files: files.map(({ path, sizeBytes }) => ({ path, sizeBytes: sizeBytes ?? 0, cachedBytes: 0 })), commit: null, licence: null, gated: false, config, notice: null };
  }
  const model = await state.models.resolve(source, access, signal);
  return {
    name: model.name,
    files: model.files.map(({ path, sizeBytes }) => {
      const cachedBytes = model.cached.get(path) ?? 0;
      return { path, sizeBytes: sizeBytes ?? cachedBytes, cachedBytes };
    }),
    commit: model.source.kind === 'hub' ? model.source.commit : null,
    licence: model.licence,
    gated: model.gated,
    config: model.config,
    notice: model.notice,
  };
}

/** How the weights are stored, from their size and from what the config calls them: configs of converted models are often out of date, sizes never. */
export function storageOf(config: unknown, weightBytes: number, parameterCount: number): ModelInspection['storage'] {
  // A copy of a tied head adds a third at most; half precision stays below three bytes a parameter.
  if (weightBytes >= 3 * parameterCount) return 'f32';
  const { torch_dtype: older, dtype = older } = config as { torch_dtype?: unknown; dtype?: unknown };
  return dtype === 'bfloat16' ? 'bf16' : 'f16';
}

export const inspectModelJob =
  (state: EngineState): JobBody<'inspectModel'> =>
  async ({ source, access }, control) => {
    const { view } = requireBackend(state);
    const { config: configBytes, files, notice, ...outline } = await outlineOf(state, source, access, control.signal);
    const json = parseJson(CONFIG_FILE, configBytes);
    const config = parseLmConfig(json);
    const parameterCount = countParameters(config);
    const weightBytes = files.reduce((sum, { path, sizeBytes }) => sum + (path.endsWith('.safetensors') ? sizeBytes : 0), 0);
    const storage = storageOf(json, weightBytes, parameterCount);
    const isWhole = parameterCount <= LARGEST_TRAINED_WHOLE;
    return {
      ...outline,
      config,
      parameterCount,
      files,
      totalBytes: files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
      cachedBytes: files.reduce((sum, { cachedBytes }) => sum + cachedBytes, 0),
      storage,
      fit: estimateFit({ config, storage: isWhole ? 'f32' : storage, limits: deviceLimitsOf(view), training: defaultTrainConfig, method: isWhole ? 'full' : 'lora' }),
      notice,
    };
  };
