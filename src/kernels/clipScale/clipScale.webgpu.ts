/** WGSL of clipScale: partial sums of the slab, then one workgroup adds them and decides. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** Values that one invocation squares and adds; short runs keep the float32 rounding small. */
const valuesPerPartial = 256;

const threads = 256;

/** Partial sums of a slab: short runs for small ones, so many at most that one workgroup can add them. */
export const partialCount = (size: number): number => Math.min(Math.ceil(size / valuesPerPartial), 64 * threads);

export interface ClipScaleTensors {
  grads: KernelTensor;
  losses: KernelTensor;
  held: KernelTensor;
  result: KernelTensor;
  partials: KernelTensor;
}

export function clipScalePrograms({ grads, losses, held, result, partials }: ClipScaleTensors, maxNorm: number, microBatches: number): WgslProgram[] {
  const size = tf.util.sizeFromShape(grads.shape);
  const [element, width] = size % 4 === 0 ? (['vec4f', size / 4] as const) : (['f32', size] as const);
  const count = partialCount(size);
  return [
    {
      key: 'clipPartials',
      bindings: [
        { name: 'x', tensor: grads, element, access: 'read' },
        { name: 'partials', tensor: partials, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(count), { name: 'size', type: 'u32', value: width }],
      code: () => `${lineMain}
  var sum = ${element}(0.0);
  for (var j = i; j < params.size; j += params.count) { sum += x[j] * x[j]; }
  partials[i] = ${element === 'vec4f' ? '(sum.x + sum.y) + (sum.z + sum.w)' : 'sum'};
}`,
      workgroups: lineWorkgroups(count),
    },
    {
      key: `clipScale_${threads}`,
      bindings: [
        { name: 'partials', tensor: partials, element: 'f32', access: 'read' },
        { name: 'losses', tensor: losses, element: 'f32', access: 'read' },
        { name: 'held', tensor: held, element: 'f32', access: 'read_write' },
        { name: 'result', tensor: result, element: 'f32', access: 'read_write' },
      ],
      uniforms: [
        countUniform(count),
        { name: 'losses', type: 'u32', value: tf.util.sizeFromShape(losses.shape) },
        { name: 'maxNorm', type: 'f32', value: maxNorm },
        { name: 'microBatches', type: 'f32', value: microBatches },
      ],
      // WGSL may assume that there are no infinities and NaNs, so they are told by their bits; the quiet NaN comes from a value that is not
      // known when the shader is compiled.
      code: () => `
var<workgroup> sums: array<f32, ${threads}>;
fn isFinite(bits: u32) -> bool { return (bits & 0x7f800000u) != 0x7f800000u; }
@compute @workgroup_size(${threads})
fn main(@builtin(local_invocation_index) i: u32) {
  var sum = 0.0;
  for (var j = i; j < params.count; j += ${threads}u) { sum += partials[j]; }
  sums[i] = sum;
  workgroupBarrier();
  if (i < 16u) {
    for (var j = i + 16u; j < ${threads}u; j += 16u) { sum += sums[j]; }
    sums[i] = sum;
  }
  workgroupBarrier();
  if (i > 0u) { return; }
  for (var j = 1u; j < 16u; j++) { sum += sums[j]; }
  let norm = sqrt(sum) / params.microBatches;
  var fine = isFinite(bitcast<u32>(norm)) && held[0] == 0.0;
  for (var j = 0u; j < params.losses; j++) { fine = fine && isFinite(bitcast<u32>(losses[j])); }
  result[0] = norm;
  if (fine) {
    result[1] = min(1.0, params.maxNorm / (norm + 1e-6)) / params.microBatches;
  } else {
    held[0] = 1.0;
    result[1] = bitcast<f32>(0x7fc00000u | (params.count & 1u));
  }
}`,
      workgroups: [1, 1, 1],
    },
  ];
}
