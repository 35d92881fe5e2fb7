/** Reads the model folders that tools/reference/make.py wrote, with what transformers computes for them. For tests only. */
import { readdirSync, readFileSync } from 'node:fs';
import type { LmConfig } from '../config/lm.ts';
import { parseLmConfig } from '../config/lm.ts';
import { parseSafetensors, type WeightTensor } from '../loader/safetensors.ts';

export interface LmReference {
  config: LmConfig;
  weights: Map<string, WeightTensor>;
  /** Two rows of different length, and their logits, each row run alone. */
  inputIds: number[][];
  logits: number[][][];
  loss: {
    /** Tokens of row 0 that are prompt and do not count. */
    promptLength: number;
    /** Of the counted tokens of row 0. */
    nll: number[];
    mean: number;
    /** A gradient's `probe` is its product with cos(probe · i). */
    probe: number;
    gradients: Record<string, { l2: number; probe: number; first: number[] }>;
  };
  greedy: { prompts: number[][]; continuations: number[][]; smallestMargin: number };
}

const folder = new URL('./reference/', import.meta.url);

/** llama: grouped-query and untied (f16), multi-head and tied (f32), multi-query (bf16); gpt2: tied, untied with exact GELU. */
export const lmReferenceNames = readdirSync(folder).filter((name) => /^(llama|gpt2)-/.test(name));

export function readLmReference(name: string): LmReference {
  const read = (path: string): Buffer => readFileSync(new URL(`${name}/${path}`, folder));
  const json = (path: string): Record<string, unknown> => JSON.parse(read(path).toString('utf8')) as Record<string, unknown>;
  return { ...(json('reference.json') as unknown as LmReference), config: parseLmConfig(json('config.json')), weights: parseSafetensors(read('model.safetensors')) };
}
