/**
 * Ends a streamed text where a stop string begins, and holds back what may become one.
 * Not for end-of-sequence tokens: generate knows those.
 */

export interface StopWatcher {
  /** Takes the next piece; returns the text that is certain to belong to the response, and whether a stop string ended it. */
  push(piece: string): { text: string; stopped: boolean };
  /** After the last piece: what was held back. */
  end(): string;
}

/** Length of the longest end of `text` that begins `stop`. */
function overlap(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--) if (stop.startsWith(text.slice(-length))) return length;
  return 0;
}

/** @param stopStrings not empty ones; borrowed */
export function createStopWatcher(stopStrings: readonly string[]): StopWatcher {
  let held = '';
  let stopped = false;
  return {
    push(piece) {
      if (stopped) return { text: '', stopped };
      held += piece;
      let first = -1;
      for (const stop of stopStrings) {
        const at = held.indexOf(stop);
        if (at >= 0 && (first < 0 || at < first)) first = at;
      }
      if (first >= 0) {
        stopped = true;
        const text = held.slice(0, first);
        held = '';
        return { text, stopped };
      }
      const keep = Math.max(0, ...stopStrings.map((stop) => overlap(held, stop)));
      const text = held.slice(0, held.length - keep);
      held = held.slice(held.length - keep);
      return { text, stopped };
    },
    end() {
      const text = held;
      held = '';
      return text;
    },
  };
}
