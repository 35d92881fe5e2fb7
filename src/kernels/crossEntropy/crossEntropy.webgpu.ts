/** WGSL of crossEntropy: one invocation a row forward, one a logit backward. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const quietNaN = 0x7fc00000;

export function crossEntropyProgram(t: { logits: tf.TensorInfo; labels: tf.TensorInfo; nll: tf.TensorInfo; logSumExp: tf.TensorInfo }, N: number, V: number, ignoredLabel: number): WgslProgram {
  return {
    key: 'crossEntropy',
    bindings: [
      { name: 'logits', tensor: t.logits, element: 'f32', access: 'read' },
      { name: 'labels', tensor: t.labels, element: 'i32', access: 'read' },
      { name: 'nll', tensor: t.nll, element: 'f32', access: 'read_write' },
      { name: 'logSumExp', tensor: t.logSumExp, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(N), { name: 'V', type: 'u32', value: V }, { name: 'ignored', type: 'i32', value: ignoredLabel }, { name: 'nan', type: 'u32', value: quietNaN }],
    // A GPU cannot throw: a label outside the vocabulary gives NaN.
    code: () => `${lineMain}
  let base = i * params.V;
  var highest = logits[base];
  for (var v = 1u; v < params.V; v++) { highest = max(highest, logits[base + v]); }
  var sum = 0.0;
  for (var v = 0u; v < params.V; v++) { sum += exp(logits[base + v] - highest); }
  let total = highest + log(sum);
  let label = labels[i];
  logSumExp[i] = total;
  if (label == params.ignored) { nll[i] = 0.0; }
  else if (label < 0 || label >= i32(params.V)) { nll[i] = bitcast<f32>(params.nan); }
  else { nll[i] = total - logits[base + u32(label)]; }
}`,
    workgroups: lineWorkgroups(N),
  };
}

export function crossEntropyGradProgram(
  t: { logits: tf.TensorInfo; labels: tf.TensorInfo; logSumExp: tf.TensorInfo; gradNll: tf.TensorInfo; gradLogits: tf.TensorInfo },
  N: number,
  V: number,
  ignoredLabel: number,
): WgslProgram {
  return {
    key: 'crossEntropyGrad',
    bindings: [
      { name: 'logits', tensor: t.logits, element: 'f32', access: 'read' },
      { name: 'labels', tensor: t.labels, element: 'i32', access: 'read' },
      { name: 'logSumExp', tensor: t.logSumExp, element: 'f32', access: 'read' },
      { name: 'gradNll', tensor: t.gradNll, element: 'f32', access: 'read' },
      { name: 'gradLogits', tensor: t.gradLogits, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(N * V), { name: 'V', type: 'u32', value: V }, { name: 'ignored', type: 'i32', value: ignoredLabel }],
    code: () => `${lineMain}
  let row = i / params.V;
  let label = labels[row];
  var grad = exp(logits[i] - logSumExp[row]);
  if (i32(i % params.V) == label) { grad -= 1.0; }
  gradLogits[i] = select(gradNll[row] * grad, 0.0, label == params.ignored);
}`,
    workgroups: lineWorkgroups(N * V),
  };
}
