/** WGSL of rope: one invocation a pair. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

export function ropeProgram(
  t: { x: tf.TensorInfo; cos: tf.TensorInfo; sin: tf.TensorInfo; positions: tf.TensorInfo; out: tf.TensorInfo },
  N: number,
  H: number,
  K: number,
  direction: number,
): WgslProgram {
  const half = K / 2;
  return {
    key: 'rope',
    bindings: [
      { name: 'x', tensor: t.x, element: 'f32', access: 'read' },
      { name: 'cosTable', tensor: t.cos, element: 'f32', access: 'read' },
      { name: 'sinTable', tensor: t.sin, element: 'f32', access: 'read' },
      { name: 'positions', tensor: t.positions, element: 'i32', access: 'read' },
      { name: 'out', tensor: t.out, element: 'f32', access: 'read_write' },
    ],
    uniforms: [
      countUniform(N * H * half),
      { name: 'H', type: 'u32', value: H },
      { name: 'half', type: 'u32', value: half },
      { name: 'direction', type: 'f32', value: direction },
    ],
    code: () => `${lineMain}
  let pair = i % params.half;
  let head = i / params.half;
  let angle = u32(positions[head / params.H]) * params.half + pair;
  let c = cosTable[angle];
  let s = sinTable[angle] * params.direction;
  let base = head * params.half * 2u + pair;
  let low = x[base];
  let high = x[base + params.half];
  out[base] = low * c - high * s;
  out[base + params.half] = high * c + low * s;
}`,
    workgroups: lineWorkgroups(N * H * half),
  };
}
