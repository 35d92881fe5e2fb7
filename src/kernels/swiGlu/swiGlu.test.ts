import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { swiGluBackward, swiGluForward, swiGluFusedBackward, swiGluFusedForward } from './swiGlu.cpu.ts';

describe('swiGlu (CPU twin)', () => {
  it('has the gradients that central differences measure', () => {
    const gate = randomDoubles(11, 1, 3);
    const up = randomDoubles(11, 2);
    const weights = randomDoubles(11, 3);
    const out = new Float64Array(11);
    const f = (): number => {
      swiGluForward(gate, up, out);
      return dot(out, weights);
    };
    const gradGate = new Float64Array(11);
    const gradUp = new Float64Array(11);
    swiGluBackward(gate, up, weights, gradGate, gradUp);
    assertGradient(f, gate, gradGate, 'gate');
    assertGradient(f, up, gradUp, 'up');
  });

  it('stays finite for gates of any size', () => {
    const out = new Float32Array(4);
    swiGluForward(Float32Array.of(-1e4, 1e4, -100, 0), Float32Array.of(1, 1, 1, 1), out);
    expect(Array.from(out, (v) => Math.round(v))).toEqual([-0, 10000, -0, 0]);
  });

  it('has the gradient that central differences measure, gate and up side by side', () => {
    const F = 3;
    const gateUp = randomDoubles(4 * 2 * F, 1, 3);
    const gradOut = randomDoubles(4 * F, 2);
    const out = new Float64Array(gradOut.length);
    const f = (): number => {
      swiGluFusedForward(gateUp, out, F);
      return dot(out, gradOut);
    };
    const gradGateUp = new Float64Array(gateUp.length).fill(9);
    swiGluFusedBackward(gateUp, gradOut, gradGateUp, F);
    assertGradient(f, gateUp, gradGateUp, 'gateUp');
    expect(out[4]).toBeCloseTo((gateUp[7]! / (1 + Math.exp(-gateUp[7]!))) * gateUp[10]!, 12);
  });
});
