import { describe, expect, it } from 'vitest';
import { disagreements, ratioOf, summarize, takesPart } from './statistics.ts';

describe('summarize', () => {
  it('gives median, quartiles by linear interpolation and the best end', () => {
    expect(summarize([4, 1, 3, 2], 'lower')).toEqual({ median: 2.5, quartiles: [1.75, 3.25], best: 1, rounds: 4 });
    expect(summarize([7], 'higher')).toEqual({ median: 7, quartiles: [7, 7], best: 7, rounds: 1 });
  });
  it('refuses nothing and what is not finite, rather than making a number up', () => {
    expect(() => summarize([], 'lower')).toThrow(RangeError);
    expect(() => summarize([1, NaN], 'lower')).toThrow(RangeError);
  });
});

describe('ratioOf', () => {
  it('compares within rounds, so that a machine that slows down for both changes nothing', () => {
    const ours = new Map([[0, 100], [1, 10], [2, 50]]);
    const theirs = new Map([[0, 50], [1, 5]]);
    expect(ratioOf(ours, theirs)).toMatchObject({ median: 2, rounds: 2 });
  });
  it('fails where no round is shared', () => {
    expect(() => ratioOf(new Map([[0, 1]]), new Map([[1, 1]]))).toThrow(RangeError);
  });
});

describe('takesPart', () => {
  it('spreads the affordable turns over the run, beginning with the first round', () => {
    const of = (rounds: number, affordable: number) => Array.from({ length: rounds }, (_, r) => r).filter((r) => takesPart(r, rounds, affordable));
    expect(of(6, 2)).toEqual([0, 3]);
    expect(of(4, 9)).toEqual([0, 1, 2, 3]);
    expect(of(7, 3)).toHaveLength(3);
  });
});

describe('disagreements', () => {
  it('names the engine that is off, the step and both losses', () => {
    const wrong = disagreements(new Map([['a', [2, 1]], ['b', [2.0001, 1.0002]], ['c', [2, 1.01]]]), 1e-3);
    expect([...wrong.keys()]).toEqual(['c']);
    expect(wrong.get('c')).toContain('step 2');
  });
  it('counts a loss that is missing or not finite as off', () => {
    expect([...disagreements(new Map([['a', [2, NaN]], ['b', [2, 1]], ['c', [2]]]), 1e-3).keys()]).toEqual(['a', 'c']);
  });
});
