/** WGSL of the global norm: partial sums of each tensor, then one workgroup adds them all. */
import * as tf from '@tensorflow/tfjs-core';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** Values that one invocation squares and adds; short runs keep the float32 rounding small. */
const valuesPerPartial = 256;

export const partialCount = (tensor: tf.TensorInfo): number => Math.ceil(tf.util.sizeFromShape(tensor.shape) / valuesPerPartial);

const finalThreads = 64;

export function globalNormPrograms(grads: tf.TensorInfo[], norm: tf.TensorInfo, partials: tf.TensorInfo): WgslProgram[] {
  let offset = 0;
  const programs = grads.map((grad): WgslProgram => {
    const count = partialCount(grad);
    const program: WgslProgram = {
      key: 'sumSquaresPartial',
      bindings: [
        { name: 'x', tensor: grad, element: 'f32', access: 'read' },
        { name: 'partials', tensor: partials, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(count), { name: 'size', type: 'u32', value: tf.util.sizeFromShape(grad.shape) }, { name: 'offset', type: 'u32', value: offset }],
      code: () => `${lineMain}
  var sum = 0.0;
  for (var j = i; j < params.size; j += params.count) { sum += x[j] * x[j]; }
  partials[params.offset + i] = sum;
}`,
      workgroups: lineWorkgroups(count),
    };
    offset += count;
    return program;
  });
  programs.push({
    key: `rootOfSum_${finalThreads}`,
    bindings: [
      { name: 'partials', tensor: partials, element: 'f32', access: 'read' },
      { name: 'norm', tensor: norm, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(offset)],
    code: () => `
var<workgroup> sums: array<f32, ${finalThreads}>;
@compute @workgroup_size(${finalThreads})
fn main(@builtin(local_invocation_index) i: u32) {
  var sum = 0.0;
  for (var j = i; j < params.count; j += ${finalThreads}u) { sum += partials[j]; }
  sums[i] = sum;
  workgroupBarrier();
  for (var width = ${finalThreads / 2}u; width > 0u; width = width / 2u) {
    if (i < width) { sums[i] += sums[i + width]; }
    workgroupBarrier();
  }
  if (i == 0u) { norm[0] = sqrt(sums[0]); }
}`,
    workgroups: [1, 1, 1],
  });
  return programs;
}

const clipThreads = 256;

/** Partial sums of a slab: short runs for small ones, so many at most that one workgroup can add them. */
export const clipPartials = (size: number): number => Math.min(Math.ceil(size / valuesPerPartial), 64 * clipThreads);

/** Partial sums of all gradients, then norm and scale in one workgroup. */
export function clipScalePrograms(grads: KernelTensor, result: KernelTensor, partials: KernelTensor, maxNorm: number, microBatches: number): WgslProgram[] {
  const size = tf.util.sizeFromShape(grads.shape);
  const [element, width] = size % 4 === 0 ? (['vec4f', size / 4] as const) : (['f32', size] as const);
  const count = clipPartials(size);
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
      key: `clipScale_${clipThreads}`,
      bindings: [
        { name: 'partials', tensor: partials, element: 'f32', access: 'read' },
        { name: 'result', tensor: result, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(count), { name: 'maxNorm', type: 'f32', value: maxNorm }, { name: 'microBatches', type: 'f32', value: microBatches }],
      code: () => `
var<workgroup> sums: array<f32, ${clipThreads}>;
@compute @workgroup_size(${clipThreads})
fn main(@builtin(local_invocation_index) i: u32) {
  var sum = 0.0;
  for (var j = i; j < params.count; j += ${clipThreads}u) { sum += partials[j]; }
  sums[i] = sum;
  workgroupBarrier();
  if (i < 16u) {
    for (var j = i + 16u; j < ${clipThreads}u; j += 16u) { sum += sums[j]; }
    sums[i] = sum;
  }
  workgroupBarrier();
  if (i > 0u) { return; }
  for (var j = 1u; j < 16u; j++) { sum += sums[j]; }
  let norm = sqrt(sum) / params.microBatches;
  result[0] = norm;
  result[1] = min(1.0, params.maxNorm / (norm + 1e-6)) / params.microBatches;
}`,
      workgroups: [1, 1, 1],
    },
  ];
}
