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

/** out [R, F] = silu(gate)·up for rows of gate and up side by side, gateUp [R, 2F]. */
export function swiGluFusedForward(gateUp: Floats, out: Floats, F: number): void {
  for (let from = 0, to = 0; to < out.length; from += 2 * F, to += F) swiGluForward(gateUp.subarray(from, from + F), gateUp.subarray(from + F, from + 2 * F), out.subarray(to, to + F));
}

/** Gradient of swiGluFusedForward; gradGateUp [R, 2F] is overwritten. */
export function swiGluFusedBackward(gateUp: Floats, gradOut: Floats, gradGateUp: Floats, F: number): void {
  for (let from = 0, to = 0; to < gradOut.length; from += 2 * F, to += F) {
    const [middle, end] = [from + F, from + 2 * F];
    swiGluBackward(gateUp.subarray(from, middle), gateUp.subarray(middle, end), gradOut.subarray(to, to + F), gradGateUp.subarray(from, middle), gradGateUp.subarray(middle, end));
  }
}
