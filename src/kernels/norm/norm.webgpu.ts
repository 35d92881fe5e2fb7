/**
 * WGSL that RMSNorm and LayerNorm share: y = (x − mean) · scale · weight + bias over rows, its gradient towards x, and towards weight and bias.
 * RMSNorm is the case without mean and bias. No atomics: every sum has one order.
 */
import { deviceTraits } from '../deviceTraits.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** Rows of C values; `centered` subtracts the mean (LayerNorm). */
export interface NormRows {
  rows: number;
  columns: number;
  eps: number;
  centered: boolean;
}

/** Threads that share a row when one invocation a row would leave a GPU idle. */
const rowThreads = 64;

/** How a program walks its row: alone, or as one of `rowThreads`; by value, or four at a time where C allows. */
export interface RowWalk {
  key: string;
  element: 'f32' | 'vec4f';
  /** Everything up to the first statement of main; defines `row`, `local`, `base`. */
  open: string;
  each(body: string): string;
  /** For values of the row, which one thread alone writes. */
  once(body: string): string;
  workgroups: [number, number, number];
}

const elementOf = (columns: number): 'f32' | 'vec4f' => (columns % 4 === 0 ? 'vec4f' : 'f32');

const totalOf = (element: 'f32' | 'vec4f'): string => `fn total(v: ${element}) -> f32 { return ${element === 'f32' ? 'v' : 'v.x + v.y + v.z + v.w'}; }`;

/** Up to this many rows a whole workgroup takes each row: fewer invocations than that do not fill a GPU. */
const sharedRowLimit = 4096;

/** A CPU that plays GPU has no idle threads, and barriers cost it 15 times the work between them (14 ms instead of 0.9 for 512 rows of 128). */
export const isSoftware = (): boolean => deviceTraits().adapterClass === 'software';

export function walkRows({ rows, columns }: Pick<NormRows, 'rows' | 'columns'>): RowWalk {
  const element = elementOf(columns);
  if (rows > sharedRowLimit || isSoftware())
    return {
      key: 'alone',
      element,
      open: `${totalOf(element)}
fn rowSum(value: vec2f, local: u32) -> vec2f { return value; }
${lineMain}
  let row = i;
  let base = row * params.C;`,
      each: (body) => `for (var c = 0u; c < params.C; c++) { ${body} }`,
      once: (body) => body,
      workgroups: lineWorkgroups(rows),
    };
  return {
    key: 'shared',
    element,
    // Two barriers a sum: eight threads add eight values each, then everyone adds the eight sums in the same order.
    open: `${totalOf(element)}
var<workgroup> sums: array<vec2f, ${rowThreads}>;
var<workgroup> groupSums: array<vec2f, 8>;
fn rowSum(value: vec2f, local: u32) -> vec2f {
  sums[local] = value;
  workgroupBarrier();
  if (local < 8u) {
    var sum = vec2f(0.0);
    for (var k = 0u; k < 8u; k++) { sum += sums[k * 8u + local]; }
    groupSums[local] = sum;
  }
  workgroupBarrier();
  return (groupSums[0] + groupSums[1] + groupSums[2] + groupSums[3]) + (groupSums[4] + groupSums[5] + groupSums[6] + groupSums[7]);
}
@compute @workgroup_size(${rowThreads})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) local: u32) {
  let row = workgroup.x;
  if (row >= params.count) { return; }
  let base = row * params.C;`,
    once: (body) => `if (local == 0u) { ${body} }`,
    each: (body) => `for (var c = local; c < params.C; c += ${rowThreads}u) { ${body} }`,
    workgroups: [rows, 1, 1],
  };
}

/** Two passes, because the difference of large sums would lose the digits of the variance. */
const statistics = (walk: RowWalk, centered: boolean): string => `
  var mean = 0.0;
  ${centered ? `var first = ${walk.element}(0.0); ${walk.each('first += x[base + c];')} mean = rowSum(vec2f(total(first), 0.0), local).x / params.width;` : ''}
  var second = ${walk.element}(0.0);
  ${walk.each('let d = x[base + c] - mean; second += d * d;')}
  let scale = inverseSqrt(rowSum(vec2f(total(second), 0.0), local).x / params.width + params.eps);`;

const uniformsOf = ({ rows, columns, eps }: NormRows, element: 'f32' | 'vec4f'): WgslProgram['uniforms'] => [
  countUniform(rows),
  { name: 'C', type: 'u32', value: element === 'vec4f' ? columns / 4 : columns },
  { name: 'width', type: 'f32', value: columns },
  { name: 'eps', type: 'f32', value: eps },
];

export function normProgram(t: { x: KernelTensor; weight: KernelTensor; bias?: KernelTensor | undefined; y: KernelTensor }, layout: NormRows): WgslProgram {
  const walk = walkRows(layout);
  const { element } = walk;
  return {
    key: `norm_${walk.key}_${layout.centered}`,
    bindings: [
      { name: 'x', tensor: t.x, element, access: 'read' },
      { name: 'weight', tensor: t.weight, element, access: 'read' },
      ...(t.bias ? [{ name: 'bias', tensor: t.bias, element, access: 'read' } as const] : []),
      { name: 'y', tensor: t.y, element, access: 'read_write' },
    ],
    uniforms: uniformsOf(layout, element),
    code: () => `${walk.open}${statistics(walk, layout.centered)}
  ${walk.each(`y[base + c] = (x[base + c] - mean) * scale * weight[c]${t.bias ? ' + bias[c]' : ''};`)}
}`,
    workgroups: walk.workgroups,
  };
}

/** gradX, plus residualGrad where given; `stats` [N, 2] receives mean and scale for normGainGradProgram. */
export function normGradProgram(
  t: { x: KernelTensor; weight: KernelTensor; gradY: KernelTensor; residualGrad?: KernelTensor | undefined; gradX: KernelTensor; stats: KernelTensor },
  layout: NormRows,
): WgslProgram {
  const walk = walkRows(layout);
  const { element } = walk;
  return {
    key: `normGrad_${walk.key}_${layout.centered}`,
    bindings: [
      { name: 'x', tensor: t.x, element, access: 'read' },
      { name: 'weight', tensor: t.weight, element, access: 'read' },
      { name: 'gradY', tensor: t.gradY, element, access: 'read' },
      ...(t.residualGrad ? [{ name: 'residualGrad', tensor: t.residualGrad, element, access: 'read' } as const] : []),
      { name: 'gradX', tensor: t.gradX, element, access: 'read_write' },
      { name: 'stats', tensor: t.stats, element: 'f32', access: 'read_write' },
    ],
    uniforms: uniformsOf(layout, element),
    code: () => `${walk.open}${statistics(walk, layout.centered)}
  var plain = ${element}(0.0);
  var along = ${element}(0.0);
  ${walk.each(`let g = gradY[base + c] * weight[c]; ${layout.centered ? 'plain += g; ' : ''}along += g * (x[base + c] - mean);`)}
  let means = rowSum(vec2f(total(plain), total(along) * scale), local) / params.width;
  ${walk.each(`gradX[base + c] = ${t.residualGrad ? 'residualGrad[base + c] + ' : ''}scale * (gradY[base + c] * weight[c] - means.x - (x[base + c] - mean) * scale * means.y);`)}
  ${walk.once('stats[2u * row] = mean; stats[2u * row + 1u] = scale;')}
}`,
    workgroups: walk.workgroups,
  };
}

interface GainTensors {
  x: KernelTensor;
  gradY: KernelTensor;
  stats: KernelTensor;
  gradWeight: KernelTensor;
  gradBias?: KernelTensor | undefined;
}

/** gradWeight += Σ rows gradY · (x − mean) · scale; gradBias += Σ rows gradY. */
export function normGainGradProgram(t: GainTensors, { rows, columns }: NormRows): WgslProgram {
  const alone = isSoftware();
  const element = alone ? 'f32' : elementOf(columns);
  const width = element === 'vec4f' ? columns / 4 : columns;
  return {
    key: `normGainGrad_${alone}`,
    bindings: [
      { name: 'x', tensor: t.x, element, access: 'read' },
      { name: 'gradY', tensor: t.gradY, element, access: 'read' },
      { name: 'stats', tensor: t.stats, element: 'f32', access: 'read' },
      { name: 'gradWeight', tensor: t.gradWeight, element, access: 'read_write' },
      ...(t.gradBias ? [{ name: 'gradBias', tensor: t.gradBias, element, access: 'read_write' } as const] : []),
    ],
    uniforms: [countUniform(width), { name: 'rows', type: 'u32', value: rows }],
    code: () => (alone ? columnAlone(Boolean(t.gradBias)) : columnsShared(element, Boolean(t.gradBias))),
    workgroups: [Math.ceil(width / (alone ? aloneThreads : gainColumns)), 1, 1],
  };
}

/** Few, so that the columns of a small model spread over the cores. */
const aloneThreads = 16;

const columnAlone = (biased: boolean): string => `
@compute @workgroup_size(${aloneThreads})
fn main(@builtin(global_invocation_id) at: vec3u) {
  let c = at.x;
  if (c >= params.count) { return; }
  var gain = 0.0;
  ${biased ? 'var bias = 0.0;' : ''}
  for (var r = 0u; r < params.rows; r++) {
    let g = gradY[r * params.count + c];
    gain += g * ((x[r * params.count + c] - stats[2u * r]) * stats[2u * r + 1u]);
    ${biased ? 'bias += g;' : ''}
  }
  gradWeight[c] += gain;
  ${biased ? 'gradBias[c] += bias;' : ''}
}`;

const gainColumns = 8;
const gainRows = 32;

/** A workgroup takes 8 columns, its threads every 32nd row; then the first of each column adds their sums. */
const columnsShared = (element: 'f32' | 'vec4f', biased: boolean): string => `
var<workgroup> gains: array<${element}, ${gainColumns * gainRows}>;
${biased ? `var<workgroup> biases: array<${element}, ${gainColumns * gainRows}>;` : ''}
@compute @workgroup_size(${gainColumns}, ${gainRows})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) at: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = workgroup.x * ${gainColumns}u + at.x;
  var gain = ${element}(0.0);
  ${biased ? `var bias = ${element}(0.0);` : ''}
  if (c < params.count) {
    for (var r = at.y; r < params.rows; r += ${gainRows}u) {
      let g = gradY[r * params.count + c];
      gain += g * ((x[r * params.count + c] - stats[2u * r]) * stats[2u * r + 1u]);
      ${biased ? 'bias += g;' : ''}
    }
  }
  gains[local] = gain;
  ${biased ? 'biases[local] = bias;' : ''}
  workgroupBarrier();
  if (at.y > 0u || c >= params.count) { return; }
  for (var k = 1u; k < ${gainRows}u; k++) {
    gain += gains[k * ${gainColumns}u + at.x];
    ${biased ? `bias += biases[k * ${gainColumns}u + at.x];` : ''}
  }
  gradWeight[c] += gain;
  ${biased ? 'gradBias[c] += bias;' : ''}
}`;
