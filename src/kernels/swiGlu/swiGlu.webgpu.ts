/** WGSL of swiGlu. The exponent is clamped: WGSL may assume that no infinity occurs. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const sigmoid = 'let s = 1.0 / (1.0 + exp(-clamp(g, -80.0, 80.0)));';

export function swiGluProgram(gate: tf.TensorInfo, up: tf.TensorInfo, out: tf.TensorInfo, count: number): WgslProgram {
  return {
    key: 'swiGlu',
    bindings: [
      { name: 'gate', tensor: gate, element: 'f32', access: 'read' },
      { name: 'up', tensor: up, element: 'f32', access: 'read' },
      { name: 'out', tensor: out, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(count)],
    code: () => `${lineMain}
  let g = gate[i];
  ${sigmoid}
  out[i] = g * s * up[i];
}`,
    workgroups: lineWorkgroups(count),
  };
}

export function swiGluGradProgram(t: { gate: tf.TensorInfo; up: tf.TensorInfo; gradOut: tf.TensorInfo; gradGate: tf.TensorInfo; gradUp: tf.TensorInfo }, count: number): WgslProgram {
  return {
    key: 'swiGluGrad',
    bindings: [
      { name: 'gate', tensor: t.gate, element: 'f32', access: 'read' },
      { name: 'up', tensor: t.up, element: 'f32', access: 'read' },
      { name: 'gradOut', tensor: t.gradOut, element: 'f32', access: 'read' },
      { name: 'gradGate', tensor: t.gradGate, element: 'f32', access: 'read_write' },
      { name: 'gradUp', tensor: t.gradUp, element: 'f32', access: 'read_write' },
    ],
    uniforms: [countUniform(count)],
    code: () => `${lineMain}
  let g = gate[i];
  let d = gradOut[i];
  ${sigmoid}
  gradGate[i] = d * up[i] * s * (1.0 + g * (1.0 - s));
  gradUp[i] = d * g * s;
}`,
    workgroups: lineWorkgroups(count),
  };
}
