import { describe, expect, it } from 'vitest';
import { createTrainClock } from './trainClock.ts';

describe('the clock of a run', () => {
  it('knows nothing before the first step', () => {
    const clock = createTrainClock(10, 5);
    clock.evaluated(100);
    expect(clock.etaMs(0)).toBeNull();
  });
  it('adds the steps and evaluations that are left, each at its own rate', () => {
    const clock = createTrainClock(10, 5);
    clock.evaluated(100);
    clock.stepped(7);
    expect(clock.etaMs(1)).toBe(9 * 7 + 2 * 100);
    clock.evaluated(50);
    expect(clock.etaMs(5)).toBe(5 * 7 + 1 * 50);
    expect(clock.etaMs(10, 0.5)).toBe(25);
    clock.evaluated(50);
    expect(clock.etaMs(10)).toBe(0);
  });
  it('is not misled by one slow step', () => {
    const clock = createTrainClock(100, 100);
    for (const ms of [900, 10, 10, 10, 10]) clock.stepped(ms);
    expect(clock.etaMs(50)).toBe(500);
  });
  it('counts the evaluations that a resumed run has behind it', () => {
    const clock = createTrainClock(10, 5, 2);
    clock.stepped(1);
    clock.evaluated(30);
    expect(clock.etaMs(10)).toBe(0);
  });
});
