import { describe, expect, it } from 'vitest';
import { suggestRunName } from './runName.ts';

describe('suggestRunName', () => {
  it('never gives a name that is taken', () => {
    const names: string[] = [];
    for (let i = 0; i < 5; i++) names.push(suggestRunName(names, () => 0));
    expect(names).toEqual(['amber-badger', 'amber-badger-2', 'amber-badger-3', 'amber-badger-4', 'amber-badger-5']);
  });

  it('stays inside the word lists at the upper end', () => {
    expect(suggestRunName([], () => 0.999999)).toBe('velvet-wren');
  });
});
