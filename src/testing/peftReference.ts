/** Reads the adapters that Python peft made (tools/reference/peft_adapters.py), with what peft and torch compute with them, and their base LMs. For tests only. */
import { readdirSync, readFileSync } from 'node:fs';
import { type LmConfig, parseLmConfig } from '../config/lm.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';
import { loadLm } from '../lm/loadLm.ts';
import type { LanguageModel } from '../lm/params.ts';
import { filesSource, type FolderSource } from '../loader/folderSource.ts';
import { type PeftAdapter, readPeftAdapter } from '../loader/peftAdapter.ts';
import { parseSafetensors } from '../loader/safetensors.ts';
import { readWeights } from '../loader/weightFiles.ts';

interface RawReference {
  inputIds: number[][];
  settings: Partial<TrainConfig>;
  run: Partial<TrainConfig>;
  steps: Record<'lossTotal' | 'lossBenign' | 'lossSemantic' | 'lossKl' | 'meanDistance' | 'meanWeight' | 'gradNorm', number>[];
  rows: Record<'everyday' | 'borderline' | 'unsafe', { tokenIds: number[]; promptLength: number }[]>;
}

export interface PeftReference extends Omit<RawReference, 'rows'> {
  config: LmConfig;
  rows: EncodedTrainingData;
  /** Of each row of inputIds, with the adapter and without. */
  logits: Float32Array[];
  baseLogits: Float32Array[];
  /** By PEFT's names, in the form of the files. */
  gradients: Map<string, Float32Array>;
  trained: Map<string, Float32Array>;
  adapter: PeftAdapter;
  /** @param trainable whether it could be trained whole, or is frozen as stored @returns owned by the caller */
  loadBase(trainable: boolean): Promise<LanguageModel>;
}

const fixtures = new URL('./reference/', import.meta.url);

export const peftReferenceNames = readdirSync(new URL('peft/', fixtures));

/** The files of a fixture folder as a person would give them. */
export function readFixture(name: string): { path: string; bytes: Uint8Array }[] {
  const folder = new URL(`${name}/`, fixtures);
  return readdirSync(folder).map((path) => ({ path, bytes: new Uint8Array(readFileSync(new URL(path, folder))) }));
}

export async function readPeftReference(name: string): Promise<PeftReference> {
  const base = readFixture(name);
  const peft = readFixture(`peft/${name}`);
  const json = (files: typeof base, path: string): unknown => JSON.parse(new TextDecoder().decode(files.find((file) => file.path === path)!.bytes));
  const config = parseLmConfig(json(base, 'config.json'));
  const raw = json(peft, 'reference.json') as RawReference;
  const tensors = parseSafetensors(peft.find(({ path }) => path === 'reference.safetensors')!.bytes);
  const named = (kind: string) => new Map([...tensors].filter(([key]) => key.startsWith(`${kind}.`)).map(([key, { data }]) => [key.slice(kind.length + 1), data]));
  const encode = (rows: RawReference['rows']['unsafe']) => rows.map(({ tokenIds, promptLength }) => ({ tokenIds: Int32Array.from(tokenIds), promptLength }));
  const source: FolderSource = filesSource(base);
  return {
    ...raw,
    config,
    rows: { everyday: encode(raw.rows.everyday), borderline: encode(raw.rows.borderline), unsafe: encode(raw.rows.unsafe) },
    logits: [...named('logits').values()],
    baseLogits: [...named('baseLogits').values()],
    gradients: named('gradient'),
    trained: named('trained'),
    adapter: await readPeftAdapter(filesSource(peft), config),
    loadBase: async (trainable) => loadLm(config, (await readWeights(config, source)).tensors, { trainable }),
  };
}
