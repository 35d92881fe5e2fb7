/** WGSL of gatedActivation: rows of gate and up side by side; a value or, where F allows, four an invocation. */
import { geluShare } from '../gelu/gelu.webgpu.ts';
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import type { GatedActivation } from './gatedActivation.cpu.ts';

/** WGSL of one activation, for `g` the gate. */
interface Pieces {
  functions: string;
  /** Defines `s`, the share of g that passes: act(g) = g · s. */
  share: string;
  /** act'(g), after `share`. */
  slope: string;
}

/** silu's exponent is clamped: WGSL may assume that no infinity occurs. */
const pieces: Record<GatedActivation, (element: string) => Pieces> = {
  silu: (element) => ({
    functions: '',
    share: `let s = 1.0 / (1.0 + exp(clamp(-g, ${element}(-80.0), ${element}(80.0))));`,
    slope: 's * (1.0 + g * (1.0 - s))',
  }),
  gelu_new: (element) => ({
    functions: geluShare.tanh(element),
    share: 'let s = share(g);',
    slope: '(s + g * s * (1.0 - s) * 1.5957691216 * (1.0 + 0.134145 * g * g))',
  }),
  gelu: (element) => ({
    functions: geluShare.none(element),
    share: 'let bell = density(g); let s = share(g, bell);',
    slope: '(s + g * 0.3989422804 * bell)',
  }),
};

export function gatedActivationProgram(gateUp: KernelTensor, out: KernelTensor, R: number, F: number, activation: GatedActivation): WgslProgram {
  const [element, width] = F % 4 === 0 ? (['vec4f', F / 4] as const) : (['f32', F] as const);
  const { functions, share } = pieces[activation](element);
  return {
    key: `gatedActivation_${activation}`,
    bindings: [
      { name: 'gateUp', tensor: gateUp, element, access: 'read' },
      { name: 'out', tensor: out, element, access: 'read_write' },
    ],
    uniforms: [countUniform(R * width), { name: 'F', type: 'u32', value: width }],
    code: () => `${functions}${lineMain}
  let at = i + (i / params.F) * params.F;
  let g = gateUp[at];
  ${share}
  out[i] = g * s * gateUp[at + params.F];
}`,
    workgroups: lineWorkgroups(R * width),
  };
}

export function gatedActivationGradProgram(gateUp: KernelTensor, gradOut: KernelTensor, gradGateUp: KernelTensor, R: number, F: number, activation: GatedActivation): WgslProgram {
  const [element, width] = F % 4 === 0 ? (['vec4f', F / 4] as const) : (['f32', F] as const);
  const { functions, share, slope } = pieces[activation](element);
  return {
    key: `gatedActivationGrad_${activation}`,
    bindings: [
      { name: 'gateUp', tensor: gateUp, element, access: 'read' },
      { name: 'gradOut', tensor: gradOut, element, access: 'read' },
      { name: 'gradGateUp', tensor: gradGateUp, element, access: 'read_write' },
    ],
    uniforms: [countUniform(R * width), { name: 'F', type: 'u32', value: width }],
    code: () => `${functions}${lineMain}
  let at = i + (i / params.F) * params.F;
  let g = gateUp[at];
  let d = gradOut[i];
  ${share}
  gradGateUp[at] = d * gateUp[at + params.F] * ${slope};
  gradGateUp[at + params.F] = d * g * s;
}`,
    workgroups: lineWorkgroups(R * width),
  };
}
