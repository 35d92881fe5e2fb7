/** WGSL of rmsNorm: one invocation a row; the weight gradient sums rows in chunks, without barriers or atomics. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** Rows that one invocation of the weight gradient sums before the partial sums are added. */
export const rowsPerChunk = 64;

const inverseRms = `
  let base = i * params.C;
  var sum = 0.0;
  for (var c = 0u; c < params.C; c++) { let v = x[base + c]; sum += v * v; }
  let scale = inverseSqrt(sum / f32(params.C) + params.eps);`;

/** `scales` [N] and `partials` [ceil(N / rowsPerChunk), C] are scratch. */
export function rmsNormGradPrograms(
  t: { x: tf.TensorInfo; weight: tf.TensorInfo; gradY: tf.TensorInfo; gradX: tf.TensorInfo; gradWeight: tf.TensorInfo; scales: tf.TensorInfo; partials: tf.TensorInfo },
  N: number,
  C: number,
  eps: number,
): WgslProgram[] {
  const chunks = Math.ceil(N / rowsPerChunk);
  return [
    {
      key: 'rmsNormGradX',
      bindings: [
        { name: 'x', tensor: t.x, element: 'f32', access: 'read' },
        { name: 'weight', tensor: t.weight, element: 'f32', access: 'read' },
        { name: 'gradY', tensor: t.gradY, element: 'f32', access: 'read' },
        { name: 'gradX', tensor: t.gradX, element: 'f32', access: 'read_write' },
        { name: 'scales', tensor: t.scales, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(N), { name: 'C', type: 'u32', value: C }, { name: 'eps', type: 'f32', value: eps }],
      code: () => `${lineMain}${inverseRms}
  var inner = 0.0;
  for (var c = 0u; c < params.C; c++) { inner += gradY[base + c] * weight[c] * x[base + c]; }
  let pull = inner * scale * scale * scale / f32(params.C);
  for (var c = 0u; c < params.C; c++) { gradX[base + c] = gradY[base + c] * weight[c] * scale - x[base + c] * pull; }
  scales[i] = scale;
}`,
      workgroups: lineWorkgroups(N),
    },
    {
      key: `rmsNormGradWeight_${rowsPerChunk}`,
      bindings: [
        { name: 'x', tensor: t.x, element: 'f32', access: 'read' },
        { name: 'gradY', tensor: t.gradY, element: 'f32', access: 'read' },
        { name: 'scales', tensor: t.scales, element: 'f32', access: 'read' },
        { name: 'partials', tensor: t.partials, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(chunks * C), { name: 'C', type: 'u32', value: C }, { name: 'N', type: 'u32', value: N }],
      code: () => `${lineMain}
  let c = i % params.C;
  let first = (i / params.C) * ${rowsPerChunk}u;
  let end = min(first + ${rowsPerChunk}u, params.N);
  var sum = 0.0;
  for (var r = first; r < end; r++) { sum += gradY[r * params.C + c] * x[r * params.C + c] * scales[r]; }
  partials[i] = sum;
}`,
      workgroups: lineWorkgroups(chunks * C),
    },
    {
      key: 'sumRows',
      bindings: [
        { name: 'partials', tensor: t.partials, element: 'f32', access: 'read' },
        { name: 'out', tensor: t.gradWeight, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(C), { name: 'rows', type: 'u32', value: chunks }],
      code: () => `${lineMain}
  var sum = 0.0;
  for (var r = 0u; r < params.rows; r++) { sum += partials[r * params.count + i]; }
  out[i] = sum;
}`,
      workgroups: lineWorkgroups(C),
    },
  ];
}
