/** WGSL of adamW: parameters, gradients and both moments rewritten in one pass. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import { type AdamWSettings, biasCorrection } from './adamW.cpu.ts';

/** The differences from 1 are made in float64 here: 1 − 0.999 in float32 would already be off by 5e-5 of its value. */
function uniformsOf(count: number, { learningRate, beta1, beta2, epsilon, weightDecay, step }: AdamWSettings): WgslProgram['uniforms'] {
  const f32 = (name: string, value: number): WgslProgram['uniforms'][number] => ({ name, type: 'f32', value });
  return [
    countUniform(count),
    f32('keep', 1 - learningRate * weightDecay),
    f32('beta1', beta1),
    f32('beta2', beta2),
    f32('rest1', 1 - beta1),
    f32('rest2', 1 - beta2),
    f32('stepSize', learningRate / biasCorrection(beta1, step)),
    f32('rootCorrection', Math.sqrt(biasCorrection(beta2, step))),
    f32('epsilon', epsilon),
  ];
}

/** Four values an invocation where their number allows. The scale NaN (told by its bits, as WGSL may assume that there are none) changes nothing. */
export function adamWProgram(
  t: { params: KernelTensor; grads: KernelTensor; m: KernelTensor; v: KernelTensor; gradScale: KernelTensor },
  count: number,
  settings: AdamWSettings,
): WgslProgram {
  const [element, invocations] = count % 4 === 0 ? (['vec4f', count / 4] as const) : (['f32', count] as const);
  return {
    key: 'adamW',
    bindings: [
      { name: 'values', tensor: t.params, element, access: 'read_write' },
      { name: 'grads', tensor: t.grads, element, access: 'read_write' },
      { name: 'm', tensor: t.m, element, access: 'read_write' },
      { name: 'v', tensor: t.v, element, access: 'read_write' },
      { name: 'gradScale', tensor: t.gradScale, element: 'f32', access: 'read' },
    ],
    uniforms: uniformsOf(invocations, settings),
    code: () => `${lineMain}
  let scale = gradScale[1];
  if ((bitcast<u32>(scale) & 0x7f800000u) != 0x7f800000u) {
    let g = grads[i] * scale;
    let first = params.beta1 * m[i] + params.rest1 * g;
    let second = params.beta2 * v[i] + params.rest2 * g * g;
    m[i] = first;
    v[i] = second;
    values[i] = values[i] * params.keep - params.stepSize * first / (sqrt(second) / params.rootCorrection + params.epsilon);
  }
  grads[i] = ${element}(0.0);
}`,
    workgroups: lineWorkgroups(invocations),
  };
}
