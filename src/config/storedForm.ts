/**
 * Between how a file holds a parameter and how the LM does, where these differ: Gemma's norm gains (the file has w of 1 + w) and GPT-NeoX's
 * fused q, k, v (the file's rows are [H, 3, K], the LM's [3, H, K]). Not for number formats (loader/safetensors).
 */
import type { StoredForm } from './families/family.ts';
import { familyOf } from './families/registry.ts';
import type { LmConfig } from './lmConfig.ts';

export type { StoredForm } from './families/family.ts';

/** @param name of a parameter, canonical */
export const storedAs = (config: LmConfig, name: string): StoredForm => familyOf(config).storedAs(name);

/** Of 'qkvByHead': the file's row that is the LM's row `row`; `row` in 0 .. 3 · H · K − 1. */
export function storedRow({ numAttentionHeads: H, headDim: K }: Pick<LmConfig, 'numAttentionHeads' | 'headDim'>, row: number): number {
  const part = Math.floor(row / (H * K));
  const head = Math.floor((row % (H * K)) / K);
  return (head * 3 + part) * K + (row % K);
}

function moveRows(config: LmConfig, values: Float32Array, toFile: boolean): Float32Array {
  const rows = 3 * config.numAttentionHeads * config.headDim;
  const width = values.length / rows;
  const moved = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    const inFile = storedRow(config, row);
    const [from, to] = toFile ? [row, inFile] : [inFile, row];
    moved.set(values.subarray(from * width, (from + 1) * width), to * width);
  }
  return moved;
}

/**
 * The values that the LM holds.
 * @param values of the whole parameter as a file has them, row-major. Borrowed @returns `values` itself where nothing differs
 */
export function fromStoredForm(config: LmConfig, name: string, values: Float32Array): Float32Array {
  const form = storedAs(config, name);
  if (form === 'plain') return values;
  return form === 'minusOne' ? values.map((value) => value + 1) : moveRows(config, values, false);
}

/** The inverse. @param values of the whole parameter (or of rows of a LoRA matrix B of it) as the LM holds them, borrowed @returns `values` itself where nothing differs */
export function toStoredForm(config: LmConfig, name: string, values: Float32Array): Float32Array {
  const form = storedAs(config, name);
  if (form === 'plain') return values;
  return form === 'minusOne' ? values.map((value) => value - 1) : moveRows(config, values, true);
}

interface Values {
  shape: readonly number[];
  data: Float32Array;
}

/** All parameters of a file as the LM holds them. @param stored by canonical name, borrowed @returns arrays of `stored` where nothing differs */
export function fromStoredForms(config: LmConfig, stored: ReadonlyMap<string, Values>): Map<string, { shape: number[]; data: Float32Array }> {
  return new Map([...stored].map(([name, { shape, data }]) => [name, { shape: [...shape], data: fromStoredForm(config, name, data) }]));
}
