/** WGSL of gelu: a value or four an invocation. */
import type { KernelTensor } from '../kernelSpec.ts';
import { countUniform, lineMain, lineWorkgroups, type WgslProgram } from '../runWgsl.ts';
import type { GeluApproximation } from './gelu.cpu.ts';

/**
 * Φ(x) from Abramowitz & Stegun 7.1.26: half of a polynomial in t = 1 / (1 + p|x|/√2) times e^(−x²/2), which the gradient needs as well;
 * 8e-8 of error at most. The approximate form is a sigmoid: (1 + tanh u) / 2 = 1 / (1 + e^(−2u)). Exponents are clamped: WGSL may assume that no infinity occurs.
 */
export const geluShare: Record<GeluApproximation, (element: string) => string> = {
  none: (element) => `
fn density(x: ${element}) -> ${element} { return exp(-min(0.5 * x * x, ${element}(80.0))); }
fn share(x: ${element}, bell: ${element}) -> ${element} {
  let t = 1.0 / (1.0 + 0.23164189 * abs(x));
  let tail = ((((0.5307027145 * t - 0.7265760135) * t + 0.7107068705) * t - 0.142248368) * t + 0.127414796) * t * bell;
  return select(tail, 1.0 - tail, x > ${element}(0.0));
}`,
  tanh: (element) => `
fn share(x: ${element}) -> ${element} {
  return 1.0 / (1.0 + exp(clamp(-1.5957691216 * x * (1.0 + 0.044715 * x * x), ${element}(-80.0), ${element}(80.0))));
}`,
};

const elementFor = (count: number): 'f32' | 'vec4f' => (count % 4 === 0 ? 'vec4f' : 'f32');

const invocations = (count: number): number => (count % 4 === 0 ? count / 4 : count);

export function geluProgram(x: KernelTensor, y: KernelTensor, count: number, approximate: GeluApproximation): WgslProgram {
  const element = elementFor(count);
  return {
    key: `gelu_${approximate}`,
    bindings: [
      { name: 'x', tensor: x, element, access: 'read' },
      { name: 'y', tensor: y, element, access: 'read_write' },
    ],
    uniforms: [countUniform(invocations(count))],
    code: () => `${geluShare[approximate](element)}${lineMain}
  let v = x[i];
  y[i] = v * ${approximate === 'none' ? 'share(v, density(v))' : 'share(v)'};
}`,
    workgroups: lineWorkgroups(invocations(count)),
  };
}

export function geluGradProgram(x: KernelTensor, gradY: KernelTensor, gradX: KernelTensor, count: number, approximate: GeluApproximation): WgslProgram {
  const element = elementFor(count);
  return {
    key: `geluGrad_${approximate}`,
    bindings: [
      { name: 'x', tensor: x, element, access: 'read' },
      { name: 'gradY', tensor: gradY, element, access: 'read' },
      { name: 'gradX', tensor: gradX, element, access: 'read_write' },
    ],
    uniforms: [countUniform(invocations(count))],
    code: () => `${geluShare[approximate](element)}${lineMain}
  let v = x[i];
  ${
    approximate === 'none'
      ? 'let bell = density(v); let slope = share(v, bell) + v * 0.3989422804 * bell;'
      : 'let s = share(v); let slope = s + v * s * (1.0 - s) * 1.5957691216 * (1.0 + 0.134145 * v * v);'
  }
  gradX[i] = gradY[i] * slope;
}`,
    workgroups: lineWorkgroups(invocations(count)),
  };
}
