/**
 * WGSL of matMul: each invocation owns an R × C block of the result in named vec4 variables, four k a trip, no shared memory and no
 * barriers. Any size is right: indices are clamped into the matrices, writes are guarded. Sizes are uniforms, so few pipelines are made.
 */
import type * as tf from '@tensorflow/tfjs-core';
import type { WgslProgram } from '../runWgsl.ts';

/** One product of a batch; strides and offsets in floats. A stride of 0 repeats the matrix for every batch. */
export interface MatMulGeometry {
  M: number;
  N: number;
  K: number;
  batch: number;
  transposeA: boolean;
  transposeB: boolean;
  aStride: number;
  bStride: number;
  aOffset: number;
  bOffset: number;
  outOffset: number;
}

/** What is baked into the code. */
interface Variant {
  transposeA: boolean;
  transposeB: boolean;
  vectorA: boolean;
  vectorB: boolean;
  vectorOut: boolean;
  /** K is not a multiple of 4: the last trip masks A. */
  tail: boolean;
  rows: number;
  columns: number;
}

const workgroupColumns = 8;
const workgroupRows = 4;
const lanes = 'xyzw';
const repeat = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n    ');

function chooseVariant(g: MatMulGeometry): Variant {
  const rows = g.M >= 8 ? 8 : g.M >= 4 ? 4 : 1;
  const columns = g.N >= 8 ? 8 : 4;
  const aligned = (size: number, stride: number, offset: number): boolean => size % 4 === 0 && stride % 4 === 0 && offset % 4 === 0;
  return {
    transposeA: g.transposeA,
    transposeB: g.transposeB,
    vectorA: g.transposeA ? rows % 4 === 0 && aligned(g.M, g.aStride, g.aOffset) : aligned(g.K, g.aStride, g.aOffset),
    vectorB: g.transposeB ? aligned(g.K, g.bStride, g.bOffset) : aligned(g.N, g.bStride, g.bOffset),
    vectorOut: aligned(g.N, g.M * g.N, g.outOffset),
    tail: g.K % 4 !== 0,
    rows,
    columns,
  };
}

/** Defines `y<row>_<j>`: element (row, k + j) of A, zero past the end of K. */
function loadA({ transposeA, vectorA, tail, rows }: Variant): string {
  const mask = (j: number): string => (tail ? ` * m${j}` : '');
  if (!transposeA && vectorA)
    return repeat(rows, (r) => `let x${r} = a[ao + min(r0 + ${r}u, lastRow) * (params.K / 4u) + k / 4u]; ${repeat(4, (j) => `let y${r}_${j} = x${r}.${lanes[j]};`)}`);
  if (transposeA && vectorA)
    return repeat(rows / 4, (p) =>
      repeat(4, (j) => `let z${p}_${j} = a[ao + k${j} * (params.M / 4u) + min(r0 / 4u + ${p}u, params.M / 4u - 1u)]${mask(j)}; ${repeat(4, (l) => `let y${4 * p + l}_${j} = z${p}_${j}.${lanes[l]};`)}`),
    );
  const index = (r: number, j: number): string => (transposeA ? `k${j} * params.M + min(r0 + ${r}u, lastRow)` : `min(r0 + ${r}u, lastRow) * params.K + k${j}`);
  return repeat(rows, (r) => repeat(4, (j) => `let y${r}_${j} = a[ao + ${index(r, j)}]${mask(j)};`));
}

/** Defines `b<j>_<v>`: columns 4v..4v+3 of row k + j of B. */
function loadB({ transposeB, vectorB, columns }: Variant): string {
  const vectors = columns / 4;
  if (!transposeB && vectorB) return repeat(4, (j) => repeat(vectors, (v) => `let b${j}_${v} = b[bo + k${j} * (params.N / 4u) + min(c0 / 4u + ${v}u, params.N / 4u - 1u)];`));
  const column = (c: number): string => `min(c0 + ${c}u, lastColumn)`;
  if (transposeB && vectorB)
    return (
      repeat(columns, (c) => `let w${c} = b[bo + ${column(c)} * (params.K / 4u) + k / 4u];`) +
      repeat(4, (j) => repeat(vectors, (v) => `let b${j}_${v} = vec4f(${[0, 1, 2, 3].map((l) => `w${4 * v + l}.${lanes[j]}`).join(', ')});`))
    );
  const element = (c: number, j: number): string => (transposeB ? `b[bo + ${column(c)} * params.K + k${j}]` : `b[bo + k${j} * params.N + ${column(c)}]`);
  return repeat(4, (j) => repeat(vectors, (v) => `let b${j}_${v} = vec4f(${[0, 1, 2, 3].map((l) => element(4 * v + l, j)).join(', ')});`));
}

function store({ vectorOut, rows, columns }: Variant): string {
  const guarded = (r: number, body: string): string => `if (r0 + ${r}u <= lastRow) { ${body} }`;
  if (vectorOut) return repeat(rows, (r) => guarded(r, repeat(columns / 4, (v) => `if (c0 + ${4 * v}u <= lastColumn) { out[oo + (r0 + ${r}u) * (params.N / 4u) + c0 / 4u + ${v}u] = a${r}_${v}; }`)));
  return repeat(rows, (r) => guarded(r, repeat(columns, (c) => `if (c0 + ${c}u <= lastColumn) { out[oo + (r0 + ${r}u) * params.N + c0 + ${c}u] = a${r}_${Math.floor(c / 4)}.${lanes[c % 4]}; }`)));
}

function codeOf(variant: Variant): string {
  const { rows, columns, tail, vectorA, vectorB, vectorOut } = variant;
  const scaled = (vector: boolean, expression: string): string => (vector ? `(${expression}) / 4u` : expression);
  const accumulate = repeat(rows, (r) =>
    repeat(columns / 4, (v) => `a${r}_${v} = fma(vec4f(y${r}_3), b3_${v}, fma(vec4f(y${r}_2), b2_${v}, fma(vec4f(y${r}_1), b1_${v}, fma(vec4f(y${r}_0), b0_${v}, a${r}_${v}))));`),
  );
  return `
@compute @workgroup_size(${workgroupColumns}, ${workgroupRows})
fn main(@builtin(global_invocation_id) id: vec3u) {
  let c0 = id.x * ${columns}u;
  let r0 = id.y * ${rows}u;
  if (c0 >= params.N || r0 >= params.M) { return; }
  let lastRow = params.M - 1u;
  let lastColumn = params.N - 1u;
  let ao = ${scaled(vectorA, 'params.aOffset + id.z * params.aStride')};
  let bo = ${scaled(vectorB, 'params.bOffset + id.z * params.bStride')};
  let oo = ${scaled(vectorOut, 'params.outOffset + id.z * params.M * params.N')};
  ${repeat(rows, (r) => repeat(columns / 4, (v) => `var a${r}_${v} = vec4f(0.0);`))}
  for (var k = 0u; k < params.K; k += 4u) {
    ${repeat(4, (j) => (tail ? `let k${j} = min(k + ${j}u, params.K - 1u); let m${j} = select(0.0, 1.0, k + ${j}u < params.K);` : `let k${j} = k + ${j}u;`))}
    ${loadA(variant)}
    ${loadB(variant)}
    ${accumulate}
  }
  ${store(variant)}
}`;
}

export function matMulProgram(a: tf.TensorInfo, b: tf.TensorInfo, out: tf.TensorInfo, geometry: MatMulGeometry): WgslProgram {
  const variant = chooseVariant(geometry);
  const { rows, columns } = variant;
  const u32 = (name: string, value: number): WgslProgram['uniforms'][number] => ({ name, type: 'u32', value });
  return {
    key: `matMul_${Object.values(variant).map(Number).join('_')}`,
    bindings: [
      { name: 'a', tensor: a, element: variant.vectorA ? 'vec4f' : 'f32', access: 'read' },
      { name: 'b', tensor: b, element: variant.vectorB ? 'vec4f' : 'f32', access: 'read' },
      { name: 'out', tensor: out, element: variant.vectorOut ? 'vec4f' : 'f32', access: 'read_write' },
    ],
    uniforms: [
      u32('M', geometry.M),
      u32('N', geometry.N),
      u32('K', geometry.K),
      u32('aStride', geometry.aStride),
      u32('bStride', geometry.bStride),
      u32('aOffset', geometry.aOffset),
      u32('bOffset', geometry.bOffset),
      u32('outOffset', geometry.outOffset),
    ],
    code: () => codeOf(variant),
    workgroups: [Math.ceil(geometry.N / columns / workgroupColumns), Math.ceil(geometry.M / rows / workgroupRows), geometry.batch],
  };
}
