/** Pieces of WGSL that all attention programs are put together from: heads as named vec4 registers, several queries or keys an invocation. */
import type { KernelTensor } from '../kernelSpec.ts';
import type { WgslBinding } from '../runWgsl.ts';

/** A head of K numbers as `parts` elements of the buffers: vec4 where K allows it. */
export interface HeadLayout {
  element: 'f32' | 'vec4f';
  parts: number;
  zero: string;
  /** The f32 expression that adds up the lanes of an element. */
  total(accumulator: string): string;
  splat(scalar: string): string;
}

export function headLayout(K: number): HeadLayout {
  if (K % 4 !== 0) return { element: 'f32', parts: K, zero: '0.0', total: (name) => name, splat: (scalar) => scalar };
  return {
    element: 'vec4f',
    parts: K / 4,
    zero: 'vec4f(0.0)',
    total: (name) => `((${name}.x + ${name}.y) + (${name}.z + ${name}.w))`,
    splat: (scalar) => `vec4f(${scalar})`,
  };
}

/** Where an invocation finds keys and values: WGSL expressions in elements. */
export interface KeyPlaces {
  keys: string;
  values: string;
  /** Element of slot 0 of the invocation's head group. */
  keyBase: string;
  valueBase: string;
  stride: string;
}

/** How many queries and keys one invocation works on at once. More save loads and cost registers. */
export interface Tile {
  queries: number;
  keys: number;
  /**
   * Four neighbouring invocations walk together: each loads a quarter of every row and hands it to the others. Needs subgroups, and heads of
   * a multiple of 16 numbers. Loads are what software adapters spend their time on; hardware loads one address for many lanes by itself.
   */
  quad: boolean;
}

/** To be put before programs with quads. Lanes of a quad share row and head, hence their loops; the compiler cannot see that. */
export const quadDirectives = 'enable subgroups;\ndiagnostic(off, subgroup_uniformity);\n';

/** WGSL that makes a row's parts available: `declare` once, then `part(j)` as often as needed. */
export interface RowLoads {
  declare: string;
  part(j: number): string;
}

/** @param name of the new variables @param at WGSL expression, element of the row's first part */
export function loadRow(name: string, buffer: string, at: string, parts: number, quad: boolean): RowLoads {
  if (!quad) return { declare: range(parts).map((j) => `let ${name}_${j} = ${buffer}[${at} + ${j}];`).join(' '), part: (j) => `${name}_${j}` };
  const own = range(parts / 4).map((m) => `let ${name}_own${m} = ${buffer}[${at} + ${4 * m} + lane];`);
  return { declare: [...own, ...range(parts).map((j) => `let ${name}_${j} = quadBroadcast(${name}_own${Math.floor(j / 4)}, ${j % 4}u);`)].join(' '), part: (j) => `${name}_${j}` };
}

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** One line of WGSL for each of n. */
export const each = (n: number, line: (i: number) => string): string => range(n).map(line).join('\n    ');

/** fma(w0, x0, fma(w1, x1, ... last)) */
export const chain = (terms: readonly (readonly [string, string])[], last: string): string => terms.reduceRight((rest, [weight, x]) => `fma(${weight}, ${x}, ${rest})`, last);

export const storage = (name: string, tensor: KernelTensor, element: WgslBinding['element'], access: WgslBinding['access'] = 'read'): WgslBinding => ({ name, tensor, element, access });
