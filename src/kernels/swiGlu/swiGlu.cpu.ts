/** CPU twin of swiGlu: pure functions on flat arrays of equal length. */
import type { Floats } from '../floats.ts';

/** out = gate · sigmoid(gate) · up */
export function swiGluForward(gate: Floats, up: Floats, out: Floats): void {
  for (let i = 0; i < out.length; i++) {
    const g = gate[i]!;
    out[i] = (g / (1 + Math.exp(-g))) * up[i]!;
  }
}

/** Gradients of swiGluForward; both outputs are overwritten. */
export function swiGluBackward(gate: Floats, up: Floats, gradOut: Floats, gradGate: Floats, gradUp: Floats): void {
  for (let i = 0; i < gradOut.length; i++) {
    const g = gate[i]!;
    const s = 1 / (1 + Math.exp(-g));
    const d = gradOut[i]!;
    gradGate[i] = d * up[i]! * s * (1 + g * (1 - s));
    gradUp[i] = d * g * s;
  }
}
