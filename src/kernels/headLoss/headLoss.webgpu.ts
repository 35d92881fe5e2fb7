/**
 * WGSL of the row kernels of the head loss; same names and formulas as in the twins. Each exists twice: one invocation a row, which is
 * fastest on a software adapter, and one workgroup a row, whose reads a graphics card can merge. Logits are read four at a time where rows allow it.
 */
import type * as tf from '@tensorflow/tfjs-core';
import { type Attributes, type KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslBinding, type WgslProgram } from '../runWgsl.ts';
import { stat, statsWidth } from './headLoss.cpu.ts';

const quietNaN = 0x7fc00000;
const groupSize = 64;

/** Functions that give every invocation of a row the row's sum or maximum. */
const reductions = (group: boolean): string =>
  group
    ? ['sum', 'max']
        .map(
          (name) => `
fn row_${name}(value: f32, local: u32) -> f32 {
  workgroupBarrier();
  storageBarrier();
  scratch[local] = value;
  workgroupBarrier();
  for (var half = ${groupSize / 2}u; half > 0u; half >>= 1u) {
    if (local < half) { scratch[local] = ${name === 'sum' ? 'scratch[local] + scratch[local + half]' : 'max(scratch[local], scratch[local + half])'}; }
    workgroupBarrier();
  }
  return scratch[0];
}`,
        )
        .join('\n')
    : 'fn row_sum(value: f32, local: u32) -> f32 { return value; }\nfn row_max(value: f32, local: u32) -> f32 { return value; }';

/** Opens `main`: `i` is the row; loops over it run from `first` in steps of `step`; one invocation of a row has `leads`. */
const rowMain = (group: boolean): string =>
  group
    ? `var<workgroup> scratch: array<f32, ${groupSize}>;
${reductions(true)}
@compute @workgroup_size(${groupSize})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(num_workgroups) grid: vec3u, @builtin(local_invocation_index) local: u32) {
  let i = workgroup.y * grid.x + workgroup.x;
  if (i >= params.count) { return; }
  let first = local;
  let step = ${groupSize}u;
  let leads = local == 0u;`
    : `${reductions(false)}
${lineMain}
  let first = 0u;
  let step = 1u;
  let leads = true;`;

function rowWorkgroups(rows: number, group: boolean): [number, number, number] {
  if (!group) return lineWorkgroups(rows);
  const x = Math.min(rows, 65535);
  return [x, x === 0 ? 0 : Math.ceil(rows / x), 1];
}

/** Logits as single floats or four at a time. */
const elementOf = (columns: number) => {
  const wide = columns % 4 === 0;
  return {
    element: wide ? ('vec4f' as const) : ('f32' as const),
    width: wide ? columns / 4 : columns,
    /** The row's logit at the index `k`. */
    at: (buffer: string, row: string, k: string) => (wide ? `${buffer}[${row} + ${k} / 4u][${k} % 4u]` : `${buffer}[${row} + ${k}]`),
    max: (v: string) => (wide ? `max(max(${v}.x, ${v}.y), max(${v}.z, ${v}.w))` : v),
    sum: (v: string) => (wide ? `(${v}.x + ${v}.y) + (${v}.z + ${v}.w)` : v),
  };
};

const read = (name: string, tensor: KernelTensor, element: WgslBinding['element'] = 'f32'): WgslBinding => ({ name, tensor, element, access: 'read' });
const rewrite = (name: string, tensor: KernelTensor, element: WgslBinding['element'] = 'f32'): WgslBinding => ({ name, tensor, element, access: 'read_write' });
const uint = (name: string, value: number) => ({ name, type: 'u32' as const, value });

type Tensors<Input extends string> = Record<Input, KernelTensor>;

export function sweepWgsl(t: Tensors<'tile' | 'labels' | 'stats'> & Partial<Tensors<'mean' | 'anchor'>>, { from, first, write, group }: Attributes): WgslProgram[] {
  const [R, columns] = t.tile.shape as [number, number];
  const { element, width, at, max, sum } = elementOf(columns);
  const { mean, anchor } = t;
  return [
    {
      key: `HeadLossSweep:${element}:${Boolean(first)}:${Boolean(write)}:${Boolean(mean)}:${Boolean(anchor)}:${Boolean(group)}`,
      bindings: [
        rewrite('tile', t.tile, element),
        read('labels', t.labels, 'i32'),
        rewrite('stats', t.stats),
        ...(mean ? [rewrite('mean', mean)] : []),
        ...(anchor ? [read('anchor', anchor, element)] : []),
      ],
      uniforms: [countUniform(R), uint('width', width), uint('columns', columns), uint('fromColumn', from as number), uint('D', mean ? mean.shape[1]! : 0), uint('nan', quietNaN)],
      code: () => `${rowMain(Boolean(group))}
  let base = i * params.width;
  let s = i * ${statsWidth}u;
  let label = labels[i] - i32(params.fromColumn);
  var labelLogit = bitcast<f32>(params.nan);
  if (label >= 0 && label < i32(params.columns)) { labelLogit = ${at('tile', 'base', 'u32(label)')}; }
  ${first ? '' : `else { labelLogit = stats[s + ${stat.labelLogit}u]; }
  let before = stats[s + ${stat.max}u];`}
  var high = ${element}(-3.4e38);
  for (var k = first; k < params.width; k += step) { high = max(high, tile[base + k]); }
  ${first ? `let top = row_max(${max('high')}, local);` : `let top = max(before, row_max(${max('high')}, local));
  let factor = exp(before - top);`}
  ${
    anchor
      ? `${first ? '' : `let anchorBefore = stats[s + ${stat.anchorMax}u];`}
  high = ${element}(-3.4e38);
  for (var k = first; k < params.width; k += step) { high = max(high, anchor[base + k]); }
  let anchorTop = ${first ? `row_max(${max('high')}, local)` : `max(anchorBefore, row_max(${max('high')}, local))`};
  var anchorSums = ${element}(0.0);
  var klSums = ${element}(0.0);`
      : ''
  }
  var sums = ${element}(0.0);
  for (var k = first; k < params.width; k += step) {
    let z = tile[base + k];
    let e = exp(z - top);
    sums += e;
    ${anchor ? 'let a = anchor[base + k];\n    anchorSums += exp(a - anchorTop);\n    klSums += e * (z - a);' : ''}
    ${write ? 'tile[base + k] = e;' : ''}
  }
  let sum = row_sum(${sum('sums')}, local);
  ${anchor ? `let anchorSum = row_sum(${sum('anchorSums')}, local);\n  let klSum = row_sum(${sum('klSums')}, local);` : ''}
  if (leads) {
    stats[s + ${stat.max}u] = top;
    stats[s + ${stat.labelLogit}u] = labelLogit;
    stats[s + ${stat.sum}u] = ${first ? 'sum' : `stats[s + ${stat.sum}u] * factor + sum`};
    ${
      anchor
        ? `stats[s + ${stat.anchorMax}u] = anchorTop;
    stats[s + ${stat.anchorSum}u] = ${first ? 'anchorSum' : `stats[s + ${stat.anchorSum}u] * exp(anchorBefore - anchorTop) + anchorSum`};
    stats[s + ${stat.klSum}u] = ${first ? 'klSum' : `stats[s + ${stat.klSum}u] * factor + klSum`};`
        : ''
    }
  }
  ${mean && !first ? 'for (var d = first; d < params.D; d += step) { mean[i * params.D + d] *= factor; }' : ''}
}`,
      workgroups: rowWorkgroups(R, Boolean(group)),
    },
  ];
}

export function finishWgsl(t: Tensors<'stats' | 'labels'> & Partial<Tensors<'mean' | 'embedding'>>, { objective, V, anchored, group, byRow }: Attributes, outputs: tf.TensorInfo[]): WgslProgram[] {
  const N = t.labels.shape[0]!;
  const { mean, embedding } = t;
  const exact = objective === 'emd_exact';
  const [logProbs, ...others] = outputs;
  const distance = mean ? others.shift() : undefined;
  const kl = anchored ? others.shift() : undefined;
  return [
    {
      key: `HeadLossFinish:${mean ? (exact ? 'exact' : 'lower_bound') : 'none'}:${Boolean(anchored)}:${Boolean(group)}${byRow ? ':byRow' : ''}`,
      bindings: [
        rewrite('stats', t.stats),
        read('labels', t.labels, 'i32'),
        ...(mean && embedding ? [rewrite('mean', mean), read('embedding', embedding)] : []),
        rewrite('logProbs', logProbs!),
        ...(distance ? [rewrite('distance', distance)] : []),
        ...(kl ? [rewrite('kl', kl)] : []),
      ],
      uniforms: [countUniform(N), uint('D', mean ? mean.shape[1]! : 0), uint('V', V as number)],
      code: () => `${rowMain(Boolean(group))}
  let s = i * ${statsWidth}u;
  let sum = stats[s + ${stat.sum}u];
  let top = stats[s + ${stat.max}u];
  let logSum = log(sum);
  ${
    kl
      ? `let anchorTotal = stats[s + ${stat.anchorMax}u] + log(stats[s + ${stat.anchorSum}u]);
  let moved = stats[s + ${stat.klSum}u] / sum - (top + logSum) + anchorTotal;`
      : ''
  }
  ${
    distance
      ? `let y = ${byRow ? 'i' : 'u32(clamp(labels[i], 0, i32(params.V) - 1))'} * params.D;
  var squares = 0.0;
  var products = 0.0;
  for (var d = first; d < params.D; d += step) {
    let m = mean[i * params.D + d] / sum;
    let x = ${exact ? '-embedding[y + d]' : 'm - embedding[y + d]'};
    mean[i * params.D + d] = x;
    products += m * x;
    squares += x * x;
  }
  let offset = row_sum(products, local);
  ${exact ? '' : 'let square = row_sum(squares, local);'}`
      : ''
  }
  // Nothing above depends on what the leading invocation writes now, but others must have read it.
  ${group && !distance ? 'workgroupBarrier();\n  storageBarrier();' : ''}
  if (leads) {
    logProbs[i] = stats[s + ${stat.labelLogit}u] - top - logSum;
    stats[s + ${stat.sum}u] = logSum;
    ${kl ? `kl[i] = moved;\n    stats[s + ${stat.anchorSum}u] = anchorTotal;\n    stats[s + ${stat.klSum}u] = moved;` : ''}
    ${distance ? `distance[i] = ${exact ? '1.0 + offset' : '0.5 * square'};\n    stats[s + ${stat.anchorMax}u] = offset;` : ''}
  }
}`,
      workgroups: rowWorkgroups(N, Boolean(group)),
    },
  ];
}

export function takeScaledRowsWgsl(t: Tensors<'x' | 'scale'>, { clear }: Attributes, [out]: tf.TensorInfo[]): WgslProgram[] {
  const [R, D] = t.x.shape as [number, number];
  return [
    {
      key: `HeadLossTakeScaledRows:${Boolean(clear)}`,
      bindings: [rewrite('x', t.x), read('scale', t.scale), rewrite('scaled', out!)],
      uniforms: [countUniform(R * D), uint('D', D)],
      code: () => `${lineMain}
  scaled[i] = x[i] * scale[i / params.D];
  ${clear ? 'x[i] = 0.0;' : ''}
}`,
      workgroups: lineWorkgroups(R * D),
    },
  ];
}

export function scaleColumnsWgsl(t: Tensors<'into' | 'factors'> & Partial<Tensors<'x'>>): WgslProgram[] {
  const [R, columns] = t.into.shape as [number, number];
  const { element, width } = elementOf(columns);
  return [
    {
      key: `HeadLossScaleColumns:${element}:${Boolean(t.x)}`,
      bindings: [rewrite('into', t.into, element), read('factors', t.factors, element), ...(t.x ? [read('x', t.x, element)] : [])],
      uniforms: [countUniform(R * width), uint('width', width)],
      code: () => `${lineMain}
  into[i] = ${t.x ? 'into[i] + factors[i % params.width] * x[i]' : 'into[i] * factors[i % params.width]'};
}`,
      workgroups: lineWorkgroups(R * width),
    },
  ];
}

export function anchorPullWgsl(t: Tensors<'tile' | 'anchor' | 'stats' | 'gradKl'>): WgslProgram[] {
  const [R, columns] = t.tile.shape as [number, number];
  const { element, width } = elementOf(columns);
  return [
    {
      key: `HeadLossAnchorPull:${element}`,
      bindings: [read('tile', t.tile, element), rewrite('anchor', t.anchor, element), read('stats', t.stats), read('gradKl', t.gradKl)],
      uniforms: [countUniform(R * width), uint('width', width)],
      code: () => `${lineMain}
  let row = i / params.width;
  let s = row * ${statsWidth}u;
  let shift = stats[s + ${stat.anchorSum}u] - (stats[s + ${stat.max}u] + stats[s + ${stat.sum}u]) - stats[s + ${stat.klSum}u];
  anchor[i] = gradKl[row] * (tile[i] - anchor[i] + shift);
}`,
      workgroups: lineWorkgroups(R * width),
    },
  ];
}

export function logitGradWgsl(
  t: Tensors<'tile' | 'stats' | 'labels' | 'gradLogProbs'> & Partial<Tensors<'pull' | 'gradDistance'>>,
  { from, kept, group }: Attributes,
): WgslProgram[] {
  const [R, columns] = t.tile.shape as [number, number];
  const { element, width, at } = elementOf(columns);
  const { pull, gradDistance } = t;
  const label = at('tile', 'base', 'u32(label)');
  return [
    {
      key: `HeadLossLogitGrad:${element}:${Boolean(kept)}:${Boolean(pull)}:${Boolean(gradDistance)}:${Boolean(group)}`,
      bindings: [
        rewrite('tile', t.tile, element),
        read('stats', t.stats),
        read('labels', t.labels, 'i32'),
        read('gradLogProbs', t.gradLogProbs),
        ...(pull ? [read('pull', pull, element)] : []),
        ...(gradDistance ? [read('gradDistance', gradDistance)] : []),
      ],
      uniforms: [countUniform(R), uint('width', width), uint('columns', columns), uint('fromColumn', from as number)],
      code: () => `${rowMain(Boolean(group))}
  let base = i * params.width;
  let s = i * ${statsWidth}u;
  let top = stats[s + ${stat.max}u];
  let logSum = stats[s + ${stat.sum}u];
  let g = gradLogProbs[i];
  let less = g${gradDistance ? ` + gradDistance[i] * stats[s + ${stat.anchorMax}u]` : ''};
  ${kept ? `let scale = exp(-logSum);` : ''}
  for (var k = first; k < params.width; k += step) {
    let p = ${kept ? 'tile[base + k] * scale' : 'exp(tile[base + k] - top - logSum)'};
    tile[base + k] = p * (${pull ? 'pull[base + k] - less' : '-less'});
  }
  let label = labels[i] - i32(params.fromColumn);
  ${group ? 'workgroupBarrier();\n  storageBarrier();' : ''}
  if (leads && label >= 0 && label < i32(params.columns)) { ${label} = ${label} + g; }
}`,
      workgroups: rowWorkgroups(R, Boolean(group)),
    },
  ];
}
