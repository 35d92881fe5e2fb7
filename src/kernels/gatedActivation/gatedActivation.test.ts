import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { geluForward } from '../gelu/gelu.cpu.ts';
import { type GatedActivation, gatedActivationBackward, gatedActivationForward } from './gatedActivation.cpu.ts';

const activations: GatedActivation[] = ['silu', 'gelu_new', 'gelu'];

describe.each(activations)('gatedActivation, %s (CPU twin)', (activation) => {
  it('has the gradient that central differences measure, gate and up side by side', () => {
    const F = 3;
    const gateUp = randomDoubles(4 * 2 * F, 1, 3);
    const gradOut = randomDoubles(4 * F, 2);
    const out = new Float64Array(gradOut.length);
    const f = (): number => {
      gatedActivationForward(gateUp, out, F, activation);
      return dot(out, gradOut);
    };
    const gradGateUp = new Float64Array(gateUp.length).fill(9);
    gatedActivationBackward(gateUp, gradOut, gradGateUp, F, activation);
    assertGradient(f, gateUp, gradGateUp, 'gateUp');
    f();
    const gate = gateUp[7]!;
    const passed = new Float64Array(1);
    if (activation === 'silu') passed[0] = gate / (1 + Math.exp(-gate));
    else geluForward(Float64Array.of(gate), passed, activation === 'gelu' ? 'none' : 'tanh');
    expect(out[4]).toBeCloseTo(passed[0]! * gateUp[10]!, 12);
  });

  it('stays finite for gates of any size', () => {
    const out = new Float32Array(4);
    gatedActivationForward(Float32Array.of(-1e4, 1e4, -100, 0, 1, 1, 1, 1), out, 4, activation);
    expect(Array.from(out, (v) => Math.abs(Math.round(v)))).toEqual([0, 10000, 0, 0]);
  });
});
