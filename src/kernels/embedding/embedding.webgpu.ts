/** WGSL of embedding. The gradient walks linked lists of equal ids, so that its sums are in row order: no atomics, the same on every run. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const quietNaN = 0x7fc00000;

export function embeddingProgram(weight: tf.TensorInfo, inputIds: tf.TensorInfo, out: tf.TensorInfo, N: number, V: number, C: number): WgslProgram {
  return {
    key: 'embedding',
    bindings: [
      { name: 'weight', tensor: weight, element: 'f32', access: 'read' },
      { name: 'inputIds', tensor: inputIds, element: 'i32', access: 'read' },
      { name: 'out', tensor: out, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(N * C), { name: 'V', type: 'i32', value: V }, { name: 'C', type: 'u32', value: C }, { name: 'nan', type: 'u32', value: quietNaN }],
    // A GPU cannot throw: an id outside the vocabulary gives NaN, which every later check sees.
    code: () => `${lineMain}
  let id = inputIds[i / params.C];
  if (id < 0 || id >= params.V) { out[i] = bitcast<f32>(params.nan); return; }
  out[i] = weight[u32(id) * params.C + i % params.C];
}`,
    workgroups: lineWorkgroups(N * C),
  };
}

/** `links` [2N]: the next row with the same id (or −1), then 1 where a row is the first of its id. */
export function embeddingGradPrograms(gradOut: tf.TensorInfo, inputIds: tf.TensorInfo, gradWeight: tf.TensorInfo, links: tf.TensorInfo, N: number, V: number, C: number): WgslProgram[] {
  return [
    {
      key: 'fillZero',
      bindings: [{ name: 'out', tensor: gradWeight, element: 'f32', access: 'read_write' }],
      uniforms: [countUniform(V * C)],
      code: () => `${lineMain} out[i] = 0.0; }`,
      workgroups: lineWorkgroups(V * C),
    },
    {
      key: 'embeddingLinks',
      bindings: [
        { name: 'inputIds', tensor: inputIds, element: 'i32', access: 'read' },
        { name: 'links', tensor: links, element: 'i32', access: 'read_write' },
      ],
      uniforms: [countUniform(N)],
      code: () => `${lineMain}
  let id = inputIds[i];
  var next = -1;
  for (var r = i + 1u; r < params.count; r++) { if (inputIds[r] == id) { next = i32(r); break; } }
  var first = 1;
  for (var r = 0u; r < i; r++) { if (inputIds[r] == id) { first = 0; break; } }
  links[i] = next;
  links[params.count + i] = first;
}`,
      workgroups: lineWorkgroups(N),
    },
    {
      key: 'embeddingGrad',
      bindings: [
        { name: 'gradOut', tensor: gradOut, element: 'f32', access: 'read' },
        { name: 'inputIds', tensor: inputIds, element: 'i32', access: 'read' },
        { name: 'links', tensor: links, element: 'i32', access: 'read' },
        { name: 'gradWeight', tensor: gradWeight, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(N * C), { name: 'N', type: 'u32', value: N }, { name: 'V', type: 'i32', value: V }, { name: 'C', type: 'u32', value: C }],
      code: () => `${lineMain}
  let row = i / params.C;
  let c = i % params.C;
  let id = inputIds[row];
  if (links[params.N + row] == 0 || id < 0 || id >= params.V) { return; }
  var sum = 0.0;
  for (var r = i32(row); r >= 0; r = links[r]) { sum += gradOut[u32(r) * params.C + c]; }
  gradWeight[u32(id) * params.C + c] = sum;
}`,
      workgroups: lineWorkgroups(N * C),
    },
  ];
}
