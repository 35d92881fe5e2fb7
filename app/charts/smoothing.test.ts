import { describe, expect, it } from 'vitest';
import { smoothEma } from './smoothing.ts';

/** The textbook form: an average that starts at zero, then divided by the weight it has gathered. */
function textbookEma(values: number[], weight: number): number[] {
  let sum = 0;
  return values.map((value, i) => {
    sum = weight * sum + (1 - weight) * value;
    return sum / (1 - weight ** (i + 1));
  });
}

describe('smoothEma', () => {
  it('leaves a constant series exactly as it is', () => {
    for (const weight of [0, 0.1, 0.6, 0.99]) expect(smoothEma([0.1, 0.1, 0.1, 0.1], weight)).toEqual([0.1, 0.1, 0.1, 0.1]);
  });

  it('equals the debiased textbook form', () => {
    const values = [3, 1, 4, 1, 5, 9, 2, 6];
    const expected = textbookEma(values, 0.6);
    smoothEma(values, 0.6).forEach((value, i) => expect(value).toBeCloseTo(expected[i] as number, 12));
  });

  it('starts at the first value instead of near zero', () => {
    expect(smoothEma([2, 4], 0.99)[0]).toBe(2);
  });

  it('returns the values themselves with weight 0', () => {
    expect(smoothEma([1, 7, 2], 0)).toEqual([1, 7, 2]);
  });

  it('passes over gaps without letting them pull the line', () => {
    expect(smoothEma([2, null, Number.NaN, 2], 0.6)).toEqual([2, null, null, 2]);
  });

  it('refuses a weight that would never move', () => {
    expect(() => smoothEma([1], 1)).toThrow(RangeError);
  });
});
