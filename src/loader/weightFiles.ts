/**
 * The weights of a model folder, from one safetensors file or from shards with an index, checked against the config.
 * Not for the other files of the folder (modelFolder.ts).
 */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import { HEAD_NAME, parameterShapes } from '../config/lmParameters.ts';
import { parseJson } from './parseJson.ts';
import { parseSafetensors, type WeightTensor } from './safetensors.ts';

const SINGLE_FILE = 'model.safetensors';
const INDEX_FILE = 'model.safetensors.index.json';

export interface Weights {
  /** Exactly the parameters of the architecture, with the right shapes. */
  tensors: Map<string, WeightTensor>;
  /** Names in the file that the LM does not need and that do not matter, e.g. a copy of a tied head. */
  ignored: string[];
  /** sha256 of the file, hex; of shards: of their digests joined, in order of their names. */
  fingerprint: string;
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Which shard holds which tensor. */
function parseIndex(bytes: Uint8Array): Map<string, string> {
  const map = (parseJson(INDEX_FILE, bytes) as { weight_map?: unknown } | null)?.weight_map;
  if (typeof map !== 'object' || map === null) throw new EngineError('bad-file', `${INDEX_FILE}: has no "weight_map".`);
  const shardOf = new Map<string, string>();
  for (const [name, shard] of Object.entries(map)) {
    if (typeof shard !== 'string' || !/^[\w.-]+\.safetensors$/.test(shard))
      throw new EngineError('bad-file', `${INDEX_FILE}: places "${name}" in "${String(shard)}", which is no safetensors file of this folder.`);
    shardOf.set(name, shard);
  }
  return shardOf;
}

/** Up to three names, and how many more. */
function naming(names: readonly string[]): string {
  const shown = names.slice(0, 3).map((name) => `"${name}"`).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

/** The first GPT-2 checkpoints were saved without their head and lack the prefix of the body. */
function canonicalName({ modelType }: LmConfig, name: string): string {
  return modelType === 'gpt2' && /^(wte|wpe|ln_f|h)\./.test(name) ? `transformer.${name}` : name;
}

/**
 * Keeps what the architecture needs and complains about the rest by name.
 * @throws EngineError bad-file for missing or misshapen parameters, unsupported for ones that the family does not have
 */
export function checkWeights(config: LmConfig, stored: ReadonlyMap<string, WeightTensor>): Pick<Weights, 'tensors' | 'ignored'> {
  const tensors = new Map([...stored].map(([name, tensor]) => [canonicalName(config, name), tensor]));
  const kept = new Map<string, WeightTensor>();
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
    // Leftovers that change nothing: RoPE tables and causal masks of old checkpoints, the copy of a head that is tied anyway.
    const harmless = name.endsWith('.rotary_emb.inv_freq') || (config.modelType === 'gpt2' && /\.attn\.(masked_)?bias$/.test(name)) || (config.tieWordEmbeddings && name === HEAD_NAME);
    (harmless ? ignored : unknown).push(name);
  }
  if (unknown.length > 0) throw new EngineError('unsupported', `weights: ${naming(unknown)} not part of a ${config.modelType} model; leaving it out would change what the LM says.`);
  return { tensors: kept, ignored };
}

/**
 * @param read a file of the folder by name; null if there is none
 * @throws EngineError not-found, bad-file, unsupported, and what `read` throws
 */
export async function readWeights(config: LmConfig, read: (path: string) => Promise<Uint8Array | null>): Promise<Weights> {
  const digests: Uint8Array[] = [];
  const parse = async (path: string, bytes: Uint8Array): Promise<Map<string, WeightTensor>> => {
    digests.push(await sha256(bytes));
    try {
      return parseSafetensors(bytes);
    } catch (error) {
      throw error instanceof EngineError ? new EngineError(error.code, `${path}: ${error.message}`, { cause: error }) : error;
    }
  };
  const single = await read(SINGLE_FILE);
  if (single) {
    const checked = checkWeights(config, await parse(SINGLE_FILE, single));
    return { ...checked, fingerprint: toHex(digests[0] as Uint8Array) };
  }
  const index = await read(INDEX_FILE);
  if (!index)
    throw new EngineError('not-found', `${SINGLE_FILE} is missing. Weights must be safetensors; transformers writes them with save_pretrained.`);
  const shardOf = parseIndex(index);
  const tensors = new Map<string, WeightTensor>();
  for (const shard of [...new Set(shardOf.values())].sort()) {
    const bytes = await read(shard);
    if (!bytes) throw new EngineError('not-found', `${shard} is missing but ${INDEX_FILE} names it.`);
    for (const [name, tensor] of await parse(shard, bytes)) {
      if (shardOf.get(name) !== shard) throw new EngineError('bad-file', `${shard}: holds "${name}", which ${INDEX_FILE} does not place there.`);
      tensors.set(name, tensor);
    }
  }
  const joined = new Uint8Array(digests.length * 32);
  digests.forEach((digest, i) => joined.set(digest, i * 32));
  return { ...checkWeights(config, tensors), fingerprint: toHex(digests.length === 1 ? (digests[0] as Uint8Array) : await sha256(joined)) };
}
