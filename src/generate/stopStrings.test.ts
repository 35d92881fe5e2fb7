import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createStopWatcher } from './stopStrings.ts';

function stream(pieces: readonly string[], stopStrings: readonly string[]): { text: string; stopped: boolean; pieces: string[] } {
  const watcher = createStopWatcher(stopStrings);
  const out: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = watcher.push(piece);
    out.push(text);
    if (stopped) return { text: out.join(''), stopped, pieces: out };
  }
  out.push(watcher.end());
  return { text: out.join(''), stopped: false, pieces: out };
}

describe('stop strings', () => {
  it('end the text where they begin, also across pieces', () => {
    expect(stream(['Yes.\n', '\nUs', 'er: more'], ['\n\nUser:'])).toMatchObject({ text: 'Yes.', stopped: true });
    expect(stream(['ab', 'c'], ['bc', 'ab'])).toMatchObject({ text: '', stopped: true });
  });

  it('hold back only what may become one', () => {
    expect(stream(['a#', '#b', '###'], ['###'])).toEqual({ text: 'a##b', stopped: true, pieces: ['a', '##b', ''] });
    expect(stream(['end#'], ['###'])).toMatchObject({ text: 'end#', stopped: false });
  });

  it('cut every text at its first stop string, however it is split', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), fc.array(letters.filter((s) => s !== ''), { maxLength: 3 }), (pieces, stops) => {
        const whole = pieces.join('');
        // Text that is out cannot come back, so an earlier-ending stop string wins over one that begins before it.
        const result = stream(pieces, stops);
        expect(whole.startsWith(result.text)).toBe(true);
        if (result.stopped) expect(stops.some((stop) => whole.startsWith(stop, result.text.length))).toBe(true);
        else expect(result.text).toBe(whole);
        expect(result.stopped).toBe(stops.some((stop) => whole.includes(stop)));
        for (const stop of stops) expect(result.text.includes(stop)).toBe(false);
      }),
      { numRuns: 1000 },
    );
  });
});
