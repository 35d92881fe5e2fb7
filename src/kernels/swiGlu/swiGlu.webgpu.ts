/** WGSL of swiGlu. The exponent is clamped: WGSL may assume that no infinity occurs. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';

const sigmoid = (element: string): string => `let s = 1.0 / (1.0 + exp(clamp(-g, ${element}(-80.0), ${element}(80.0))));`;

/** Rows of gate and up side by side; a value or, where F allows, four an invocation. */
export function swiGluFusedProgram(gateUp: KernelTensor, out: KernelTensor, R: number, F: number): WgslProgram {
  const [element, width] = F % 4 === 0 ? (['vec4f', F / 4] as const) : (['f32', F] as const);
  return {
    key: 'swiGluFused',
    bindings: [
      { name: 'gateUp', tensor: gateUp, element, access: 'read' },
      { name: 'out', tensor: out, element, access: 'read_write' },
    ],
    uniforms: [countUniform(R * width), { name: 'F', type: 'u32', value: width }],
    code: () => `${lineMain}
  let at = i + (i / params.F) * params.F;
  let g = gateUp[at];
  ${sigmoid(element)}
  out[i] = g * s * gateUp[at + params.F];
}`,
    workgroups: lineWorkgroups(R * width),
  };
}

export function swiGluFusedGradProgram(gateUp: KernelTensor, gradOut: KernelTensor, gradGateUp: KernelTensor, R: number, F: number): WgslProgram {
  const [element, width] = F % 4 === 0 ? (['vec4f', F / 4] as const) : (['f32', F] as const);
  return {
    key: 'swiGluFusedGrad',
    bindings: [
      { name: 'gateUp', tensor: gateUp, element, access: 'read' },
      { name: 'gradOut', tensor: gradOut, element, access: 'read' },
      { name: 'gradGateUp', tensor: gradGateUp, element, access: 'read_write' },
    ],
    uniforms: [countUniform(R * width), { name: 'F', type: 'u32', value: width }],
    code: () => `${lineMain}
  let at = i + (i / params.F) * params.F;
  let g = gateUp[at];
  let d = gradOut[i];
  ${sigmoid(element)}
  gradGateUp[at] = d * gateUp[at + params.F] * s * (1.0 + g * (1.0 - s));
  gradGateUp[at + params.F] = d * g * s;
}`,
    workgroups: lineWorkgroups(R * width),
  };
}
