import { describe, expect, it } from 'vitest';
import { assertGradient, dot, randomDoubles, randomInts } from '../../testing/arrays.ts';
import { embeddingBackward, embeddingForward } from './embedding.cpu.ts';

describe('embedding (CPU twin)', () => {
  it('has the gradient that central differences measure, repeated ids included', () => {
    const C = 3;
    const weight = randomDoubles(7 * C, 1);
    const inputIds = Int32Array.of(2, 0, 2, 6, 2);
    const weights = randomDoubles(inputIds.length * C, 2);
    const out = new Float64Array(weights.length);
    const f = (): number => {
      embeddingForward(weight, inputIds, out, C);
      return dot(out, weights);
    };
    const grad = new Float64Array(weight.length).fill(9);
    embeddingBackward(weights, inputIds, grad, C);
    assertGradient(f, weight, grad, 'weight');
  });

  it('refuses ids outside the vocabulary', () => {
    const call = (id: number) => () => embeddingForward(new Float32Array(6), Int32Array.of(id), new Float32Array(2), 2);
    expect(call(3)).toThrow('token id 3 is outside the vocabulary of 3');
    expect(call(-1)).toThrow('token id -1');
    expect(call(2)).not.toThrow();
  });

  it('copies the row of each id', () => {
    const out = new Float32Array(8);
    embeddingForward(Float32Array.of(0, 1, 10, 11, 20, 21), randomInts(4, 3, 5), out, 2);
    for (let r = 0; r < 4; r++) expect(out[2 * r + 1]! - out[2 * r]!).toBe(1);
  });
});
