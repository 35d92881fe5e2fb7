/** WGSL of headNorm: fused rows are rows of single heads of K values, one after the other, and walked as norm.webgpu.ts walks its rows. */
import type { KernelTensor } from '../kernelSpec.ts';
import { isSoftware, walkRows } from '../norm/norm.webgpu.ts';
import { countUniform, type WgslProgram } from '../runWgsl.ts';
import type { HeadNormSizes } from './headNorm.cpu.ts';

const u32 = (name: string, value: number): WgslProgram['uniforms'][number] => ({ name, type: 'u32', value });

function uniformsOf(rows: number, { H, G, K, eps }: HeadNormSizes, element: 'f32' | 'vec4f'): WgslProgram['uniforms'] {
  return [countUniform(rows), u32('C', element === 'vec4f' ? K / 4 : K), u32('H', H), u32('G', G), { name: 'width', type: 'f32', value: K }, { name: 'eps', type: 'f32', value: eps }];
}

/** `head` of this row within its token, and one over its root mean square. Values take part for the barriers' sake; nobody uses theirs. */
const scaleOf = (each: (body: string) => string, element: string): string => `
  let head = row % (params.H + 2u * params.G);
  let normed = head < params.H + params.G;
  var squares = ${element}(0.0);
  ${each('let v = qkv[base + c]; squares += v * v;')}
  let scale = inverseSqrt(rowSum(vec2f(total(squares), 0.0), local).x / params.width + params.eps);`;

const gain = 'select(gainK[c], gainQ[c], head < params.H)';

export function headNormProgram(t: { qkv: KernelTensor; gainQ: KernelTensor; gainK: KernelTensor; out: KernelTensor }, R: number, sizes: HeadNormSizes): WgslProgram {
  const rows = R * (sizes.H + 2 * sizes.G);
  const walk = walkRows({ rows, columns: sizes.K });
  const { element } = walk;
  return {
    key: `headNorm_${walk.key}`,
    bindings: [
      { name: 'qkv', tensor: t.qkv, element, access: 'read' },
      { name: 'gainQ', tensor: t.gainQ, element, access: 'read' },
      { name: 'gainK', tensor: t.gainK, element, access: 'read' },
      { name: 'out', tensor: t.out, element, access: 'read_write' },
    ],
    uniforms: uniformsOf(rows, sizes, element),
    code: () => `${walk.open}${scaleOf(walk.each, element)}
  ${walk.each(`let x = qkv[base + c]; out[base + c] = select(x, x * scale * ${gain}, normed);`)}
}`,
    workgroups: walk.workgroups,
  };
}

interface GradTensors {
  qkv: KernelTensor;
  gradOut: KernelTensor;
  /** [R, H + 2G] scratch: the first program writes it for the gains. */
  scales: KernelTensor;
}

export function headNormGradProgram(t: GradTensors & { gainQ: KernelTensor; gainK: KernelTensor; gradQkv: KernelTensor }, R: number, sizes: HeadNormSizes): WgslProgram {
  const rows = R * (sizes.H + 2 * sizes.G);
  const walk = walkRows({ rows, columns: sizes.K });
  const { element } = walk;
  return {
    key: `headNormGrad_${walk.key}`,
    bindings: [
      { name: 'qkv', tensor: t.qkv, element, access: 'read' },
      { name: 'gainQ', tensor: t.gainQ, element, access: 'read' },
      { name: 'gainK', tensor: t.gainK, element, access: 'read' },
      { name: 'gradOut', tensor: t.gradOut, element, access: 'read' },
      { name: 'gradQkv', tensor: t.gradQkv, element, access: 'read_write' },
      { name: 'scales', tensor: t.scales, element: 'f32', access: 'read_write' },
    ],
    uniforms: uniformsOf(rows, sizes, element),
    code: () => `${walk.open}${scaleOf(walk.each, element)}
  var along = ${element}(0.0);
  ${walk.each(`along += gradOut[base + c] * ${gain} * qkv[base + c];`)}
  let pull = rowSum(vec2f(total(along), 0.0), local).x / params.width * scale * scale;
  ${walk.each(`let g = gradOut[base + c]; gradQkv[base + c] = select(g, scale * (g * ${gain} - qkv[base + c] * pull), normed);`)}
  ${walk.once('scales[row] = scale;')}
}`,
    workgroups: walk.workgroups,
  };
}

/** Few, so that the columns of a head spread over the cores. */
const aloneThreads = 16;
const gainColumns = 8;
const gainRows = 32;

/** gradGain += Σ over tokens and the heads of its kind of gradOut · qkv · scale. A software adapter takes a column an invocation, hardware 32. */
export function headGainGradProgram(t: GradTensors & { gradGain: KernelTensor }, R: number, { H, G, K }: HeadNormSizes, kind: 'queries' | 'keys'): WgslProgram {
  const alone = isSoftware();
  const count = kind === 'queries' ? H : G;
  const sum = (first: string, step: string): string => `
  var gain = 0.0;
  if (c < params.count) {
    for (var r = ${first}; r < params.rows; r += ${step}) {
      let row = (r / params.own) * params.heads + params.first + r % params.own;
      gain += gradOut[row * params.count + c] * (qkv[row * params.count + c] * scales[row]);
    }
  }`;
  return {
    key: `headGainGrad_${alone}`,
    bindings: [
      { name: 'qkv', tensor: t.qkv, element: 'f32', access: 'read' },
      { name: 'gradOut', tensor: t.gradOut, element: 'f32', access: 'read' },
      { name: 'scales', tensor: t.scales, element: 'f32', access: 'read' },
      { name: 'gradGain', tensor: t.gradGain, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(K), u32('rows', R * count), u32('own', count), u32('heads', H + 2 * G), u32('first', kind === 'queries' ? 0 : H)],
    code: () =>
      alone
        ? `
@compute @workgroup_size(${aloneThreads})
fn main(@builtin(global_invocation_id) at: vec3u) {
  let c = at.x;${sum('0u', '1u')}
  if (c < params.count) { gradGain[c] += gain; }
}`
        : `
var<workgroup> gains: array<f32, ${gainColumns * gainRows}>;
@compute @workgroup_size(${gainColumns}, ${gainRows})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) at: vec3u, @builtin(local_invocation_index) local: u32) {
  let c = workgroup.x * ${gainColumns}u + at.x;${sum('at.y', `${gainRows}u`)}
  gains[local] = gain;
  workgroupBarrier();
  if (at.y > 0u || c >= params.count) { return; }
  for (var k = 1u; k < ${gainRows}u; k++) { gain += gains[k * ${gainColumns}u + at.x]; }
  gradGain[c] += gain;
}`,
    workgroups: [Math.ceil(K / (alone ? aloneThreads : gainColumns)), 1, 1],
  };
}
