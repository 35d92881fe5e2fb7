/** WGSL of dropout: a value an invocation. Integer arithmetic wraps in WGSL as in the twin. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import { COUNTER_STEP, type DropoutSettings, dropThreshold, keepScale, mixSeed } from './dropout.cpu.ts';

export function dropoutProgram(x: KernelTensor, y: KernelTensor, count: number, { p, seed }: DropoutSettings): WgslProgram {
  return {
    key: 'dropout',
    bindings: [
      { name: 'x', tensor: x, element: 'f32', access: 'read' },
      { name: 'y', tensor: y, element: 'f32', access: 'read_write' },
    ],
    uniforms: [
      countUniform(count),
      { name: 'seed', type: 'u32', value: mixSeed(seed) },
      { name: 'threshold', type: 'u32', value: dropThreshold(p) },
      { name: 'scale', type: 'f32', value: keepScale(p) },
    ],
    code: () => `${lineMain}
  var h = (i * ${COUNTER_STEP}u) ^ params.seed;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  h = h ^ (h >> 16u);
  y[i] = select(x[i] * params.scale, 0.0, (h >> 8u) < params.threshold);
}`,
    workgroups: lineWorkgroups(count),
  };
}
