/**
 * Reads a LoRA adapter as PEFT writes it: adapter_config.json and adapter_model.safetensors, checked against each other and against the LM
 * they are for. Everything is untrusted. Not for what an adapter computes (lm/adapter.ts) nor for writing one (export/peftAdapter.ts).
 */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lmConfig.ts';
import type { LoraConfig } from '../config/lora.ts';
import { loraModules, loraNames } from '../config/loraModules.ts';
import { loraConfigOf, parsePeftConfig } from '../config/peftConfig.ts';
import { fromStoredForm } from '../config/storedForm.ts';
import type { FolderSource } from './folderSource.ts';
import { type ModelFile, readWhole } from './modelFile.ts';
import { parseJson } from './parseJson.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import { readTensor, type StoredTensor, type WeightTensor } from './storedTensor.ts';

export const ADAPTER_CONFIG = 'adapter_config.json';
export const ADAPTER_WEIGHTS = 'adapter_model.safetensors';
/** A config may list every module of a large LM. */
const MAX_CONFIG_BYTES = 2 ** 23;

export interface PeftAdapter {
  config: LoraConfig;
  /** As the config names it; an adapter for another base is told, not refused. */
  baseModelNameOrPath: string | null;
  revision: string | null;
  /** A [r, in] and B [out, r] by their names in the file, float32. Rows of B in the LM's order (config/storedForm.ts). Owned by the caller. */
  tensors: Map<string, { shape: number[]; data: Float32Array }>;
}

/** @throws EngineError bad-file, unsupported */
function pathsOf(lm: LmConfig, stored: ReadonlyMap<string, StoredTensor>, r: number): Set<string> {
  const modules = new Map(loraModules(lm).map((module) => [module.path, module]));
  const paths = new Set<string>();
  for (const name of stored.keys()) {
    const found = /^base_model\.model\.(.+)\.lora_([AB])\.weight$/.exec(name);
    const path = found?.[1];
    if (path === undefined) throw new EngineError('unsupported', `${ADAPTER_WEIGHTS}: "${name}" is no matrix of a LoRA adapter (base_model.model.….lora_A.weight or lora_B.weight).`);
    if (!modules.has(path)) throw new EngineError('bad-file', `${ADAPTER_WEIGHTS}: "${path}" is no linear layer of the loaded LM's blocks. Is the adapter for another model?`);
    paths.add(path);
  }
  for (const path of paths) {
    const { inputs, outputs } = modules.get(path)!;
    const { a, b } = loraNames(path);
    for (const [name, shape] of [[a, [r, inputs]], [b, [outputs, r]]] as const) {
      const tensor = stored.get(name);
      if (!tensor) throw new EngineError('bad-file', `${ADAPTER_WEIGHTS}: "${name}" is missing.`);
      if (String(tensor.shape) !== String(shape)) throw new EngineError('bad-file', `${ADAPTER_WEIGHTS}: "${name}" is [${tensor.shape}]; this LM and r = ${r} ask for [${shape}].`);
    }
  }
  return paths;
}

const finite = (name: string, { shape, data }: WeightTensor): { shape: number[]; data: Float32Array } => {
  if (!data.every(Number.isFinite)) throw new EngineError('bad-file', `${ADAPTER_WEIGHTS}: "${name}" holds values that are no numbers.`);
  return { shape, data: data.slice() };
};

/** @param file the weights, borrowed @param r rank of every module @throws EngineError bad-file, unsupported */
async function readLoraTensors(lm: LmConfig, file: ModelFile, r: number): Promise<{ paths: Set<string>; tensors: PeftAdapter['tensors'] }> {
  const stored = await readSafetensorsHeader(file);
  if (stored.size === 0) throw new EngineError('bad-file', `${ADAPTER_WEIGHTS}: there are no tensors in it.`);
  const paths = pathsOf(lm, stored, r);
  const tensors: PeftAdapter['tensors'] = new Map();
  for (const { path, weight } of loraModules(lm)) {
    if (!paths.has(path)) continue;
    const { a, b } = loraNames(path);
    tensors.set(a, finite(a, await readTensor(stored.get(a)!)));
    const { shape, data } = finite(b, await readTensor(stored.get(b)!));
    tensors.set(b, { shape, data: fromStoredForm(lm, weight, data) });
  }
  return { paths, tensors };
}

/** The folder the adapter's files lie in, "" at the top. A checkpoint of a trainer may have other folders besides. */
async function prefixOf(source: FolderSource): Promise<string> {
  const listed = await source.list();
  const found = listed?.filter((path) => path === ADAPTER_CONFIG || path.endsWith(`/${ADAPTER_CONFIG}`)).sort((a, b) => a.split('/').length - b.split('/').length)[0];
  return found === undefined ? '' : found.slice(0, -ADAPTER_CONFIG.length);
}

/**
 * @param source a folder with the two files, or with one folder that has them; borrowed
 * @param lm     what the adapter is for
 * @throws EngineError not-found, bad-file, bad-config, unsupported, naming the file and what is wrong with it
 */
export async function readPeftAdapter(source: FolderSource, lm: LmConfig): Promise<PeftAdapter> {
  const prefix = await prefixOf(source);
  const open = async (path: string, advice: string): Promise<ModelFile> => {
    const file = await source.open(prefix + path);
    if (!file) throw new EngineError('not-found', `${path} is missing. ${advice}`);
    return file;
  };
  const configFile = await open(ADAPTER_CONFIG, "Give the folder that PEFT's save_pretrained wrote.");
  const peft = parsePeftConfig(parseJson(ADAPTER_CONFIG, await readWhole(configFile, MAX_CONFIG_BYTES)));
  const weightsFile = await open(ADAPTER_WEIGHTS, 'Weights must be safetensors; PEFT writes them with save_pretrained.');
  const { paths, tensors } = await readLoraTensors(lm, weightsFile, peft.r);
  const { baseModelNameOrPath, revision } = peft;
  return { config: loraConfigOf(lm, peft, paths), baseModelNameOrPath, revision, tensors };
}
