/**
 * WGSL of addColumnSums: a workgroup owns some columns, its invocations take every eighth row each and meet once. Neighbouring invocations
 * read neighbouring columns. The order of the sum does not depend on the device.
 */
import type { KernelTensor } from '../kernelSpec.ts';
import type { WgslProgram } from '../runWgsl.ts';

const columns = 16;
const splits = 8;

const code = `
var<workgroup> partial: array<f32, ${columns * splits}>;
@compute @workgroup_size(${columns}, ${splits})
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let column = group.x * ${columns}u + local.x;
  var sum = 0.0;
  if (column < params.N) {
    for (var row = local.y; row < params.R; row += ${splits}u) { sum += x[row * params.N + column]; }
  }
  partial[local.y * ${columns}u + local.x] = sum;
  workgroupBarrier();
  if (local.y == 0u && column < params.N) {
    ${Array.from({ length: splits - 1 }, (_, i) => `sum += partial[${(i + 1) * columns}u + local.x];`).join('\n    ')}
    into[column] += sum;
  }
}`;

export function columnSumsProgram(x: KernelTensor, into: KernelTensor, R: number, N: number): WgslProgram {
  return {
    key: 'columnSums',
    bindings: [
      { name: 'x', tensor: x, element: 'f32', access: 'read' },
      { name: 'into', tensor: into, element: 'f32', access: 'read_write' },
    ],
    uniforms: [
      { name: 'R', type: 'u32', value: R },
      { name: 'N', type: 'u32', value: N },
    ],
    code: () => code,
    workgroups: [Math.ceil(N / columns), 1, 1],
  };
}
