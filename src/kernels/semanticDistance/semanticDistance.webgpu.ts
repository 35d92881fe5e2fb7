/** WGSL of the two small kernels of the semantic distance; same names and formulas as in the twin. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

/** One invocation a token: D numbers are few against the [N, V] products around it. */
export function distanceFromMeanWgsl(
  { mean, labels, costEmbedding }: Record<'mean' | 'labels' | 'costEmbedding', tf.TensorInfo>,
  { objective }: Attributes,
  [distance, direction, offset]: tf.TensorInfo[],
): WgslProgram[] {
  const exact = objective === 'emd_exact';
  const N = mean.shape[0]!;
  return [
    {
      key: `SemanticDistanceFromMean:${exact ? 'exact' : 'lower_bound'}`,
      bindings: [
        { name: 'mean', tensor: mean, element: 'f32', access: 'read' },
        { name: 'labels', tensor: labels, element: 'i32', access: 'read' },
        { name: 'costEmbedding', tensor: costEmbedding, element: 'f32', access: 'read' },
        { name: 'distance', tensor: distance!, element: 'f32', access: 'read_write' },
        { name: 'direction', tensor: direction!, element: 'f32', access: 'read_write' },
        { name: 'offset', tensor: offset!, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(N), { name: 'D', type: 'u32', value: mean.shape[1]! }],
      code: () => `${lineMain}
  let y = u32(labels[i]) * params.D;
  var squares = 0.0;
  var dot = 0.0;
  for (var d = 0u; d < params.D; d++) {
    let m = mean[i * params.D + d];
    let x = ${exact ? '-costEmbedding[y + d]' : 'm - costEmbedding[y + d]'};
    direction[i * params.D + d] = x;
    dot += m * x;
    squares += x * x;
  }
  offset[i] = dot;
  distance[i] = ${exact ? '1.0 + dot' : '0.5 * squares'};
}`,
      workgroups: lineWorkgroups(N),
    },
  ];
}

/** One invocation a logit. */
export function combineGradientWgsl(
  { dy, probs, dots, offset }: Record<'dy' | 'probs' | 'dots' | 'offset', tf.TensorInfo>,
  _attributes: Attributes,
  [out]: tf.TensorInfo[],
): WgslProgram[] {
  const [N, V] = probs.shape as [number, number];
  return [
    {
      key: 'SemanticDistanceCombine',
      bindings: [
        { name: 'dy', tensor: dy, element: 'f32', access: 'read' },
        { name: 'probs', tensor: probs, element: 'f32', access: 'read' },
        { name: 'dots', tensor: dots, element: 'f32', access: 'read' },
        { name: 'offset', tensor: offset, element: 'f32', access: 'read' },
        { name: 'dz', tensor: out!, element: 'f32', access: 'read_write' },
      ],
      uniforms: [countUniform(N * V), { name: 'V', type: 'u32', value: V }],
      code: () => `${lineMain}
  let n = i / params.V;
  dz[i] = dy[n] * probs[i] * (dots[i] - offset[n]);
}`,
      workgroups: lineWorkgroups(N * V),
    },
  ];
}
