/** WGSL of writeKvCache: one invocation a value. */
import type * as tf from '@tensorflow/tfjs-core';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

export function writeSlotsProgram(cache: tf.TensorInfo, rows: tf.TensorInfo, position: number): WgslProgram {
  const [B, S, G, K] = cache.shape as [number, number, number, number];
  const T = rows.shape[1]!;
  return {
    key: 'writeSlots',
    bindings: [
      { name: 'cache', tensor: cache, element: 'f32', access: 'read_write' },
      { name: 'rows', tensor: rows, element: 'f32', access: 'read' },
    ],
    uniforms: [
      countUniform(B * T * G * K),
      { name: 'written', type: 'u32', value: T * G * K },
      { name: 'slots', type: 'u32', value: S * G * K },
      { name: 'offset', type: 'u32', value: position * G * K },
    ],
    code: () => `${lineMain}
  cache[(i / params.written) * params.slots + params.offset + i % params.written] = rows[i];
}`,
    workgroups: lineWorkgroups(B * T * G * K),
  };
}
