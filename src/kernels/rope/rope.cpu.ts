/** CPU twin of rope: pure functions on flat arrays. */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

/** @throws EngineError bad-argument for a position outside tables of P positions */
export function assertPositions(positions: Int32Array, P: number): void {
  for (const position of positions) {
    if (position < 0 || position >= P) throw new EngineError('bad-argument', `rope: position ${position} is outside the ${P} positions of this model.`);
  }
}

/**
 * Rotates pairs (x[i], x[i + D/2]) of the first D = rotaryDim values of each head by the angle of its position (rotate_half convention);
 * `direction` -1 undoes it, which is also the gradient. The other values are copied. x and out [N, H, K]; cos and sin [P, D/2]; positions [N].
 * @throws EngineError bad-argument for a position outside the tables
 */
export function ropeRotate(x: Floats, cos: Floats, sin: Floats, positions: Int32Array, out: Floats, H: number, K: number, direction: 1 | -1, rotaryDim = K): void {
  const half = rotaryDim / 2;
  assertPositions(positions, cos.length / half);
  for (let row = 0; row < positions.length; row++) {
    const position = positions[row]!;
    const table = position * half;
    for (let h = 0; h < H; h++) {
      const base = (row * H + h) * K;
      for (let i = 0; i < half; i++) {
        const c = cos[table + i]!;
        const s = sin[table + i]! * direction;
        const low = x[base + i]!;
        const high = x[base + half + i]!;
        out[base + i] = low * c - high * s;
        out[base + half + i] = high * c + low * s;
      }
      for (let i = rotaryDim; i < K; i++) out[base + i] = x[base + i]!;
    }
  }
}

/** ropeRotate in place on the first `heads` heads of K values in each row of `width` values; qkv [R, width], positions [R]. */
export function ropeRotateInPlace(qkv: Floats, cos: Floats, sin: Floats, positions: Int32Array, width: number, heads: number, K: number, direction: 1 | -1, rotaryDim = K): void {
  for (let row = 0; row < positions.length; row++) {
    const rotated = qkv.subarray(row * width, row * width + heads * K);
    ropeRotate(rotated, cos, sin, positions.subarray(row, row + 1), rotated, heads, K, direction, rotaryDim);
  }
}

/** cos and sin of position · inverse[i], times attentionFactor, computed in float64. Both [P, inverse.length]. */
export function ropeAngles(P: number, inverse: Float64Array, attentionFactor = 1): { cos: Float32Array; sin: Float32Array } {
  const half = inverse.length;
  const cos = new Float32Array(P * half);
  const sin = new Float32Array(P * half);
  for (let i = 0; i < half; i++) {
    const frequency = inverse[i]!;
    for (let p = 0; p < P; p++) {
      cos[p * half + i] = Math.cos(p * frequency) * attentionFactor;
      sin[p * half + i] = Math.sin(p * frequency) * attentionFactor;
    }
  }
  return { cos, sin };
}
