import { describe, expect, it } from 'vitest';
import { assertAllClose } from '../../testing/allclose.ts';
import { assertGradient, dot, randomDoubles } from '../../testing/arrays.ts';
import { elementwise } from '../../testing/tolerances.ts';
import { ropeAngles, ropeRotate } from './rope.cpu.ts';

const H = 2;
const K = 6;
const positions = Int32Array.of(0, 3, 1);
const { cos, sin } = ropeAngles(5, Float64Array.of(0, 2, 4).map((i) => 10000 ** (-i / K)));
const [cos64, sin64] = [Float64Array.from(cos), Float64Array.from(sin)];

describe('rope (CPU twin)', () => {
  it('leaves position 0 alone and turns pair i of position p by p · theta^(−2i/K)', () => {
    const x = new Float64Array(positions.length * H * K).fill(1);
    const out = new Float64Array(x.length);
    ropeRotate(x, cos64, sin64, positions, out, H, K, 1);
    expect(Array.from(out.subarray(0, H * K))).toEqual(Array.from(x.subarray(0, H * K)));
    const angle = 3 * 10000 ** (-4 / K);
    expect(out[H * K + 2]).toBeCloseTo(Math.cos(angle) - Math.sin(angle), 6);
    expect(out[H * K + 2 + K / 2]).toBeCloseTo(Math.cos(angle) + Math.sin(angle), 6);
  });

  it('is undone by the opposite direction', () => {
    const x = randomDoubles(positions.length * H * K, 1);
    const there = new Float64Array(x.length);
    const back = new Float64Array(x.length);
    ropeRotate(x, cos64, sin64, positions, there, H, K, 1);
    ropeRotate(there, cos64, sin64, positions, back, H, K, -1);
    assertAllClose(back, x, elementwise);
  });

  it('has the opposite rotation as gradient', () => {
    const x = randomDoubles(positions.length * H * K, 2);
    const weights = randomDoubles(x.length, 3);
    const out = new Float64Array(x.length);
    const f = (): number => {
      ropeRotate(x, cos64, sin64, positions, out, H, K, 1);
      return dot(out, weights);
    };
    const grad = new Float64Array(x.length);
    ropeRotate(weights, cos64, sin64, positions, grad, H, K, -1);
    assertGradient(f, x, grad, 'x');
  });

  it('turns only the first values of each head, and copies the others', () => {
    const D = 4;
    const tables = ropeAngles(5, Float64Array.of(1, 0.01));
    const x = randomDoubles(positions.length * H * K, 2);
    const out = new Float64Array(x.length);
    const turn = (from: Float64Array, to: Float64Array, direction: 1 | -1): void => ropeRotate(from, Float64Array.from(tables.cos), Float64Array.from(tables.sin), positions, to, H, K, direction, D);
    const weights = randomDoubles(x.length, 3);
    const f = (): number => {
      turn(x, out, 1);
      return dot(out, weights);
    };
    f();
    const last = x.length - K;
    expect(Array.from(out.subarray(last + D))).toEqual(Array.from(x.subarray(last + D)));
    expect(out[last]).toBeCloseTo(x[last]! * Math.cos(1) - x[last + D / 2]! * Math.sin(1), 6);
    const grad = new Float64Array(x.length);
    turn(weights, grad, -1);
    assertGradient(f, x, grad, 'x');
  });

  it('refuses positions outside the tables', () => {
    expect(() => ropeRotate(new Float32Array(K), cos, sin, Int32Array.of(5), new Float32Array(K), 1, K, 1)).toThrow('position 5');
  });
});
