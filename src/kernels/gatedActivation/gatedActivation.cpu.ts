/** CPU twin of gatedActivation: pure functions on flat arrays, right in float64 too. */
import type { Floats } from '../floats.ts';
import { geluOf, geluSlope } from '../gelu/gelu.cpu.ts';

/** What the gate goes through before it multiplies: config.json's words. 'gelu_new' is GELU in its tanh form, 'gelu' the exact one. */
export type GatedActivation = 'silu' | 'gelu_new' | 'gelu';

const approximationOf = (activation: 'gelu_new' | 'gelu'): 'tanh' | 'none' => (activation === 'gelu_new' ? 'tanh' : 'none');

/** out = act(gate) · up; all of equal length. */
function forwardRow(gate: Floats, up: Floats, out: Floats, activation: GatedActivation): void {
  if (activation === 'silu')
    for (let i = 0; i < out.length; i++) {
      const g = gate[i]!;
      out[i] = (g / (1 + Math.exp(-g))) * up[i]!;
    }
  else for (let i = 0; i < out.length; i++) out[i] = geluOf(gate[i]!, approximationOf(activation)) * up[i]!;
}

function backwardRow(gate: Floats, up: Floats, gradOut: Floats, gradGate: Floats, gradUp: Floats, activation: GatedActivation): void {
  for (let i = 0; i < gradOut.length; i++) {
    const g = gate[i]!;
    const d = gradOut[i]!;
    if (activation === 'silu') {
      const s = 1 / (1 + Math.exp(-g));
      gradGate[i] = d * up[i]! * s * (1 + g * (1 - s));
      gradUp[i] = d * g * s;
    } else {
      const approximate = approximationOf(activation);
      gradGate[i] = d * up[i]! * geluSlope(g, approximate);
      gradUp[i] = d * geluOf(g, approximate);
    }
  }
}

/** out [R, F] = act(gate)·up for rows of gate and up side by side, gateUp [R, 2F]. */
export function gatedActivationForward(gateUp: Floats, out: Floats, F: number, activation: GatedActivation): void {
  for (let from = 0, to = 0; to < out.length; from += 2 * F, to += F) forwardRow(gateUp.subarray(from, from + F), gateUp.subarray(from + F, from + 2 * F), out.subarray(to, to + F), activation);
}

/** Gradient of gatedActivationForward; gradGateUp [R, 2F] is overwritten. */
export function gatedActivationBackward(gateUp: Floats, gradOut: Floats, gradGateUp: Floats, F: number, activation: GatedActivation): void {
  for (let from = 0, to = 0; to < gradOut.length; from += 2 * F, to += F) {
    const [middle, end] = [from + F, from + 2 * F];
    backwardRow(gateUp.subarray(from, middle), gateUp.subarray(middle, end), gradOut.subarray(to, to + F), gradGateUp.subarray(from, middle), gradGateUp.subarray(middle, end), activation);
  }
}
