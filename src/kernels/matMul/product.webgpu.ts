/**
 * What all WGSL versions of a product share: how an operand is read four values at a time whatever its transposition and alignment, and how
 * four values of the result are stored with bias, residual or what was there. Indices are clamped and writes guarded: any size is right.
 */
import type { KernelTensor } from '../kernelSpec.ts';
import type { PackedStorage } from '../packed.ts';
import { type OperandReads, operandReads, storageKey } from '../packed.webgpu.ts';
import type { WgslBinding, WgslProgram } from '../runWgsl.ts';
import type { ProductSizes } from './linear.cpu.ts';

/** What is baked into the code beside the tile. */
export interface ProductForm {
  transposeA: boolean;
  transposeB: boolean;
  /** The operand's rows in memory are multiples of four values long: it is read as vec4f. */
  vectorA: boolean;
  vectorB: boolean;
  vectorOut: boolean;
  /** k may run past K: values of a are zero there. */
  tail: boolean;
  bias: boolean;
  residual: boolean;
  /** Adds to what out holds. */
  add: boolean;
  /** How b is stored; undefined for float32. */
  storageB: PackedStorage | undefined;
}

export type ProductInputs = Partial<Record<'a' | 'b' | 'bias' | 'residual', KernelTensor>>;

/** One way to compute a product: its code and its grid. Sizes are uniforms M, N and K. */
export interface ProductTile {
  /** Unique among tiles, also among their parameters. */
  name: string;
  /** k covered by a trip of the loop: `tail` is set unless K is a multiple. */
  depth: number;
  code(form: ProductForm): string;
  workgroups(M: number, N: number): [number, number, number];
}

export function productForm(inputs: ProductInputs, { M, N, K, transposeA, transposeB }: ProductSizes, depth: number, add: boolean): ProductForm {
  const aligned = (size: number): boolean => size % 4 === 0;
  return {
    transposeA,
    transposeB,
    vectorA: aligned(transposeA ? M : K),
    vectorB: aligned(transposeB ? K : N),
    vectorOut: aligned(N),
    tail: K % depth !== 0,
    bias: Boolean(inputs.bias),
    residual: Boolean(inputs.residual),
    add,
    storageB: inputs.b?.storage,
  };
}

export function productProgram(tile: ProductTile, inputs: ProductInputs, out: KernelTensor, sizes: ProductSizes, add: boolean): WgslProgram {
  const form = productForm(inputs, sizes, tile.depth, add);
  const wide = (vector: boolean): 'vec4f' | 'f32' => (vector ? 'vec4f' : 'f32');
  const element = { a: wide(form.vectorA), b: operandReads('b', form.storageB, form.vectorB).element, bias: wide(form.vectorOut), residual: wide(form.vectorOut) };
  const { storageB, ...flags } = form;
  const read = (['a', 'b', 'bias', 'residual'] as const).flatMap((name): WgslBinding[] => {
    const tensor = inputs[name];
    return tensor ? [{ name, tensor, element: element[name], access: 'read' }] : [];
  });
  return {
    key: `product_${tile.name}_${Object.values(flags).map(Number).join('')}${storageKey(storageB)}`,
    bindings: [...read, { name: 'out', tensor: out, element: wide(form.vectorOut), access: 'read_write' }],
    uniforms: (['M', 'N', 'K'] as const).map((name) => ({ name, type: 'u32', value: sizes[name] })),
    code: () => tile.code(form),
    workgroups: tile.workgroups(sizes.M, sizes.N),
  };
}

export const repeat = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n    ');

const lanes = [0, 1, 2, 3];

/** Four values at k = 4·k4 of the row of `name` that begins at `start` (from `<name>Start`); the operand lies along k. */
function alongK(name: 'a' | 'b', { at }: OperandReads, vector: boolean, tail: boolean): string {
  const masked = name === 'a' && tail;
  if (vector) {
    const load = at(`start + ${tail ? 'min(k4, params.K / 4u - 1u)' : 'k4'}`);
    return `
fn ${name}Start(row: u32, count: u32) -> u32 { return min(row, count - 1u) * (params.K / 4u); }
fn ${name}AlongK(start: u32, k4: u32) -> vec4f { return ${masked ? `select(vec4f(0.0), ${load}, k4 < params.K / 4u)` : load}; }`;
  }
  const value = (i: number): string => {
    const load = at(`start + ${tail ? `min(k + ${i}u, params.K - 1u)` : `k + ${i}u`}`);
    return masked ? `select(0.0, ${load}, k + ${i}u < params.K)` : load;
  };
  return `
fn ${name}Start(row: u32, count: u32) -> u32 { return min(row, count - 1u) * params.K; }
fn ${name}AlongK(start: u32, k4: u32) -> vec4f { let k = k4 * 4u; return vec4f(${lanes.map(value).join(', ')}); }`;
}

/** The values of rows 4·group … 4·group + 3 (of a, or columns of b) at one k; the operand lies across k. */
function acrossK(name: 'a' | 'b', { at }: OperandReads, vector: boolean, tail: boolean): string {
  const count = name === 'a' ? 'params.M' : 'params.N';
  const row = tail ? 'min(k, params.K - 1u)' : 'k';
  const load = vector
    ? at(`${row} * (${count} / 4u) + min(group, ${count} / 4u - 1u)`)
    : `vec4f(${lanes.map((i) => at(`${row} * ${count} + min(4u * group + ${i}u, ${count} - 1u)`)).join(', ')})`;
  return `
fn ${name}AcrossK(k: u32, group: u32) -> vec4f { return ${name === 'a' && tail ? `select(vec4f(0.0), ${load}, k < params.K)` : load}; }`;
}

/** `aStart` and `aAlongK`, or transposed `aAcrossK`; the same for b with the roles of transposition swapped; and `store`. */
export function productFunctions(form: ProductForm): string {
  const { transposeA, transposeB, vectorA, vectorB, vectorOut, tail, bias, residual, add, storageB } = form;
  const [readA, readB] = [operandReads('a', undefined, vectorA), operandReads('b', storageB, vectorB)];
  const a = transposeA ? acrossK('a', readA, vectorA, tail) : alongK('a', readA, vectorA, tail);
  const b = transposeB ? alongK('b', readB, vectorB, tail) : acrossK('b', readB, vectorB, tail);
  const sum = (value: string, at: string, column: string): string => `${add ? `out[${at}] + ` : ''}${value}${bias ? ` + bias[${column}]` : ''}${residual ? ` + residual[${at}]` : ''}`;
  const store = vectorOut
    ? `if (group < params.N / 4u) { let at = row * (params.N / 4u) + group; out[at] = ${sum('value', 'at', 'group')}; }`
    : lanes.map((i) => `if (4u * group + ${i}u < params.N) { let at = row * params.N + 4u * group + ${i}u; out[at] = ${sum(`value.${'xyzw'[i]}`, 'at', `4u * group + ${i}u`)}; }`).join('\n    ');
  return `${readB.functions}${a}${b}
/** Columns 4 · group … of one row. */
fn store(row: u32, group: u32, value: vec4f) {
  if (row < params.M) {
    ${store}
  }
}`;
}
