import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { swiGluBackward, swiGluForward } from './swiGlu.cpu.ts';

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
});
