/** WGSL of the prefix weights: one invocation a row, as rows are few and each is a running sum. */
import type * as tf from '@tensorflow/tfjs-core';
import type { Attributes } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const uniforms = (rowOffsets: tf.TensorInfo, clamp: number): WgslProgram['uniforms'] => [
  countUniform(rowOffsets.shape[0]! - 1),
  { name: 'clampAt', type: 'f32', value: clamp },
];

export function prefixWeightsWgsl({ logRatios, rowOffsets }: Record<'logRatios' | 'rowOffsets', tf.TensorInfo>, { clamp }: Attributes, [out]: tf.TensorInfo[]): WgslProgram[] {
  return [
    {
      key: 'PrefixWeights',
      bindings: [
        { name: 'logRatios', tensor: logRatios, element: 'f32', access: 'read' },
        { name: 'rowOffsets', tensor: rowOffsets, element: 'i32', access: 'read' },
        { name: 'weights', tensor: out!, element: 'f32', access: 'read_write' },
      ],
      uniforms: uniforms(rowOffsets, clamp as number),
      code: () => `${lineMain}
  var sum = 0.0;
  for (var t = rowOffsets[i]; t < rowOffsets[i + 1u]; t++) {
    weights[t] = exp(min(params.clampAt, sum));
    sum += logRatios[t];
  }
}`,
      workgroups: lineWorkgroups(rowOffsets.shape[0]! - 1),
    },
  ];
}

export function prefixWeightsGradWgsl(
  { dw, logRatios, rowOffsets }: Record<'dw' | 'logRatios' | 'rowOffsets', tf.TensorInfo>,
  { clamp }: Attributes,
  [out]: tf.TensorInfo[],
): WgslProgram[] {
  return [
    {
      key: 'PrefixWeightsGrad',
      bindings: [
        { name: 'dw', tensor: dw, element: 'f32', access: 'read' },
        { name: 'logRatios', tensor: logRatios, element: 'f32', access: 'read' },
        { name: 'rowOffsets', tensor: rowOffsets, element: 'i32', access: 'read' },
        { name: 'dr', tensor: out!, element: 'f32', access: 'read_write' },
      ],
      uniforms: uniforms(rowOffsets, clamp as number),
      code: () => `${lineMain}
  let start = rowOffsets[i];
  let end = rowOffsets[i + 1u];
  var sum = 0.0;
  for (var t = start; t < end; t++) {
    dr[t] = select(dw[t] * exp(min(sum, params.clampAt)), 0.0, sum > params.clampAt);
    sum += logRatios[t];
  }
  var suffix = 0.0;
  for (var t = end - 1; t >= start; t--) {
    let term = dr[t];
    dr[t] = suffix;
    suffix += term;
  }
}`,
      workgroups: lineWorkgroups(rowOffsets.shape[0]! - 1),
    },
  ];
}
