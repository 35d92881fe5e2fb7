/** WGSL of the global norm: partial sums of each tensor, then one workgroup adds them all. */
import * as tf from '@tensorflow/tfjs-core';
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
