/**
 * The weights of a model folder, from one safetensors file or from shards with an index, checked against the config.
 * Not for the other files of the folder (modelFolder.ts).
 */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import { canonicalName, isLeftover, parameterShapes } from '../config/lmParameters.ts';
import type { FolderSource } from './folderSource.ts';
import { createHasher } from './hasher.ts';
import { hashFile, readWhole, type ModelFile } from './modelFile.ts';
import { parseJson } from './parseJson.ts';
import { readSafetensorsHeader } from './safetensors.ts';
import type { StoredTensor } from './storedTensor.ts';

export const SINGLE_FILE = 'model.safetensors';
export const INDEX_FILE = 'model.safetensors.index.json';
/** An index has a line a tensor: 1 MB is a very large one. */
const MAX_INDEX_BYTES = 2 ** 25;

export interface Weights {
  /** Exactly the parameters of the architecture, with the right shapes; they read from the folder. */
  tensors: Map<string, StoredTensor>;
  /** Names in the file that the LM does not need and that do not matter, e.g. a copy of a tied head. */
  ignored: string[];
  /** sha256 of the file, hex; of shards: of their digests joined, in order of their names. */
  fingerprint: string;
  /** Of all weights files. */
  sizeBytes: number;
}

const fromHex = (hex: string): Uint8Array => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Which shard holds which tensor. @throws EngineError bad-file */
export function parseIndex(bytes: Uint8Array): Map<string, string> {
  const map = (parseJson(INDEX_FILE, bytes) as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null) throw new EngineError('bad-file', `${INDEX_FILE}: has no "weight_map".`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[\w.-]+\.safetensors$/.test(shard))
      throw new EngineError('bad-file', `${INDEX_FILE}: places "${name}" in ${JSON.stringify(shard)}, which is no safetensors file of this folder.`);
    shardOf.set(name, shard);
  }
  return shardOf;
}

/** Up to three names, and how many more. */
function naming(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/**
 * Keeps what the architecture needs and complains about the rest by name.
 * @throws EngineError bad-file for missing or misshapen parameters, unsupported for ones that the family does not have
 */
export function checkWeights<Tensor extends { shape: readonly number[] }>(config: LmConfig, stored: ReadonlyMap<string, Tensor>): { tensors: Map<string, Tensor>; ignored: string[] } {
  const tensors = new Map([...stored].map(([name, tensor]) => [canonicalName(config, name), tensor]));
  const kept = new Map<string, Tensor>();
  const missing: string[] = [];
  const shapes = parameterShapes(config);
  for (const [name, shape] of shapes) {
    const tensor = tensors.get(name);
    if (!tensor) {
      missing.push(name);
      continue;
    }
    if (String(tensor.shape) !== String(shape))
      throw new EngineError('bad-file', `weights: "${name}" is [${tensor.shape}] but config.json asks for [${shape}]. Do weights and config belong together?`);
    kept.set(name, tensor);
  }
  if (missing.length > 0) throw new EngineError('bad-file', `weights: ${naming(missing)} missing. Do weights and config belong together?`);
  const ignored: string[] = [];
  const unknown: string[] = [];
  for (const name of tensors.keys()) {
    if (shapes.has(name)) continue;
    (isLeftover(config, name) ? ignored : unknown).push(name);
  }
  if (unknown.length > 0) throw new EngineError('unsupported', `weights: ${naming(unknown)} not part of a ${config.modelType} model; leaving it out would change what the LM says.`);
  return { tensors: kept, ignored };
}

/** What may be told of a long reading, and how it is ended. */
export interface WeightReading {
  /** Where opening a file means fetching it. */
  onFetched?(path: string, loadedBytes: number, totalBytes: number | null): void;
  /** Bytes that have passed through the hash, of all files. */
  onHashed?(path: string, hashedBytes: number, totalBytes: number): void;
  signal?: AbortSignal;
}

/**
 * Reads and checks the headers of the weights files and takes their hashes; the values stay where they are.
 * @throws EngineError not-found, bad-file, unsupported, and what the source throws
 */
export async function readWeights(config: LmConfig, source: FolderSource, { onFetched, onHashed, signal }: WeightReading = {}): Promise<Weights> {
  const open = (path: string): Promise<ModelFile | null> => source.open(path, (loadedBytes, totalBytes) => onFetched?.(path, loadedBytes, totalBytes));
  const readHeader = async (file: ModelFile): Promise<Map<string, StoredTensor>> => {
    try {
      return await readSafetensorsHeader(file, (name) => isLeftover(config, canonicalName(config, name)));
    } catch (error) {
      throw error instanceof EngineError ? new EngineError(error.code, `${file.path}: ${error.message}`, { cause: error }) : error;
    }
  };
  /** The cache knows the hashes of what it verified; everything else is hashed now. */
  const hashAll = async (files: readonly ModelFile[]): Promise<string[]> => {
    const totalBytes = files.reduce((sum, file) => sum + (file.sha256 ? 0 : file.sizeBytes), 0);
    const digests: string[] = [];
    let before = 0;
    for (const file of files) {
      digests.push(file.sha256 ?? (await hashFile(file, (hashedBytes) => onHashed?.(file.path, before + hashedBytes, totalBytes), signal)));
      if (!file.sha256) before += file.sizeBytes;
    }
    return digests;
  };

  const single = await open(SINGLE_FILE);
  if (single) {
    const checked = checkWeights(config, await readHeader(single));
    return { ...checked, fingerprint: (await hashAll([single]))[0] as string, sizeBytes: single.sizeBytes };
  }
  const index = await open(INDEX_FILE);
  if (!index) throw new EngineError('not-found', `${SINGLE_FILE} is missing. Weights must be safetensors; transformers writes them with save_pretrained.`);
  const shardOf = parseIndex(await readWhole(index, MAX_INDEX_BYTES));
  const shards: ModelFile[] = [];
  const tensors = new Map<string, StoredTensor>();
  for (const path of [...new Set(shardOf.values())].sort()) {
    const shard = await open(path);
    if (!shard) throw new EngineError('not-found', `${path} is missing but ${INDEX_FILE} names it.`);
    shards.push(shard);
    for (const [name, tensor] of await readHeader(shard)) {
      if (shardOf.get(name) !== path) throw new EngineError('bad-file', `${path}: holds "${name}", which ${INDEX_FILE} does not place there.`);
      tensors.set(name, tensor);
    }
  }
  const checked = checkWeights(config, tensors);
  const digests = await hashAll(shards);
  const joined = createHasher('sha256');
  for (const digest of digests) joined.update(fromHex(digest));
  return { ...checked, fingerprint: digests.length === 1 ? (digests[0] as string) : joined.digest(), sizeBytes: shards.reduce((sum, shard) => sum + shard.sizeBytes, 0) };
}
