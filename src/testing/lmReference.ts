/** Reads the model folders that tools/reference/models.py wrote, with what transformers computes for them. For tests only. */
import { readdirSync, readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { LmConfig } from '../config/lm.ts';
import { parseLmConfig } from '../config/lm.ts';
import { fromStoredForms, storedAs, toStoredForm } from '../config/storedForm.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';
import type { WeightSource } from '../lm/weightSource.ts';
import { fileOfBytes } from '../loader/modelFile.ts';
import { parseSafetensors, readSafetensorsHeader } from '../loader/safetensors.ts';

interface Values {
  shape: number[];
  data: Float32Array;
}
type Weights = Map<string, Values>;

/** What PyTorch says of the training objective, of the weights times `tunedFactor` against the weights themselves. */
export interface ObjectiveReference {
  settings: Partial<TrainConfig>;
  terms: Record<'lossTotal' | 'lossBenign' | 'lossSemantic' | 'lossKl' | 'meanDistance' | 'meanWeight', number>;
  rows: EncodedTrainingData;
  /** By parameter: the gradient in the form of the file, whole if it is small, else its products with `signs` from the right and from the left. */
  gradients: Map<string, { part: 'whole' | 'rows' | 'columns'; expected: Float32Array }[]>;
}

export interface LmReference {
  config: LmConfig;
  /** In the form of the file. */
  stored: Weights;
  /** As the LM holds them. */
  weights: Weights;
  /** Two rows of different length, and their logits, each row run alone: [T, V] row-major. */
  inputIds: number[][];
  logits: Float32Array[];
  loss: {
    /** Tokens of row 0 that are prompt and do not count. */
    promptLength: number;
    /** Of the counted tokens of row 0. */
    nll: number[];
    mean: number;
  };
  /** Made without a cache, each row alone. */
  greedy: { prompts: number[][]; continuations: number[][]; smallestMargin: number };
  objective: ObjectiveReference;
}

/** Or those of larger models, made by the same script for one check: too large to keep. */
const folder = process.env['SIDESTEP_REFERENCE'] ? pathToFileURL(`${process.env['SIDESTEP_REFERENCE']}/`) : new URL('./reference/', import.meta.url);
const RESULTS = 'reference.safetensors';

/** What each shows stands in tools/reference/model_specs.py. */
export const lmReferenceNames = readdirSync(folder).filter((name) => /^(llama|gpt2|gpt_neo|gpt_neox|mistral|qwen2|qwen3|gemma|gemma3_text)-/.test(name));

const read = (name: string, path: string): Buffer => readFileSync(new URL(`${name}/${path}`, folder));
const weightFiles = (name: string): string[] => readdirSync(new URL(name, folder)).filter((path) => path.endsWith('.safetensors') && path !== RESULTS);

/** The factor of value i of each parameter, in the form of the file, that makes the tuned LM of the objective from the base. */
const tunedFactor = (i: number): number => 1 + ((i % 7) - 3) / 64;

/** As the LM holds them. */
export function tunedWeights({ config, stored }: LmReference): Weights {
  return fromStoredForms(config, new Map([...stored].map(([name, { shape, data }]) => [name, { shape, data: data.map((value, i) => value * tunedFactor(i)) }])));
}

/** A vector of numbers between 1 and 1.8 of either sign, so that a product with it loses no entry. */
const sign = (i: number): number => (1 + ((i * 7) % 5) / 5) * ((i * 13) % 7 < 3 ? -1 : 1);

/** The parts of a gradient that a reference has. @param gradient of a parameter as the LM holds it */
export function partOfGradient(config: LmConfig, name: string, { shape, data }: Values, part: 'whole' | 'rows' | 'columns'): Float64Array {
  // A gradient follows the order of the values; that 1 was added to them changes nothing.
  const values = storedAs(config, name) === 'qkvByHead' ? toStoredForm(config, name, data) : data;
  if (part === 'whole') return Float64Array.from(values);
  const [rows, columns] = shape as [number, number];
  const sums = new Float64Array(part === 'rows' ? rows : columns);
  for (let i = 0; i < values.length; i++) {
    const [row, column] = [Math.floor(i / columns), i % columns];
    if (part === 'rows') sums[row]! += values[i]! * sign(column);
    else sums[column]! += values[i]! * sign(row);
  }
  return sums;
}

function gradientsOf(results: Weights): ObjectiveReference['gradients'] {
  const gradients: ObjectiveReference['gradients'] = new Map();
  for (const [key, { data }] of results) {
    const found = /^gradient\.(.*?)(?:\.(rows|columns))?$/.exec(key);
    if (!found) continue;
    const [, name, part = 'whole'] = found as unknown as [string, string, 'rows' | 'columns' | undefined];
    gradients.set(name, [...(gradients.get(name) ?? []), { part, expected: data }]);
  }
  return gradients;
}

interface Raw extends Pick<LmReference, 'inputIds' | 'loss' | 'greedy'> {
  training: Pick<ObjectiveReference, 'settings' | 'terms'> & { rows: Record<keyof EncodedTrainingData, { tokenIds: number[]; promptLength: number }[]> };
}

export function readLmReference(name: string): LmReference {
  const config = parseLmConfig(JSON.parse(read(name, 'config.json').toString('utf8')));
  const { inputIds, loss, greedy, training } = JSON.parse(read(name, 'reference.json').toString('utf8')) as Raw;
  const results = parseSafetensors(read(name, RESULTS));
  const stored = new Map(weightFiles(name).flatMap((path) => [...parseSafetensors(read(name, path))]));
  const encode = (set: keyof EncodedTrainingData) => training.rows[set].map(({ tokenIds, promptLength }) => ({ tokenIds: Int32Array.from(tokenIds), promptLength }));
  return {
    config,
    stored,
    weights: fromStoredForms(config, stored),
    inputIds,
    logits: inputIds.map((_, i) => results.get(`logits.${i}`)!.data),
    loss,
    greedy,
    objective: {
      settings: training.settings,
      terms: training.terms,
      rows: { everyday: encode('everyday'), borderline: encode('borderline'), unsafe: encode('unsafe') },
      gradients: gradientsOf(results),
    },
  };
}

/** The weights where they are stored, as `loadLm` streams them. */
export async function readLmReferenceSources(name: string): Promise<Map<string, WeightSource>> {
  const headers = await Promise.all(weightFiles(name).map((path) => readSafetensorsHeader(fileOfBytes(path, new Uint8Array(read(name, path))))));
  return new Map(headers.flatMap((header) => [...header]));
}
