/** Brings a chart's data into React, seldom: for words, legend and table, not for drawing. */
import { useEffect, useState } from 'react';
import type { ChartSource } from './chartSource.ts';

/** @param intervalMs at most one render per interval; the last change is never lost */
export function useSlowSource<T>(source: ChartSource<T>, intervalMs = 500): T {
  const [state, setState] = useState(() => ({ source, value: source.read() }));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const take = (): void => {
      timer = undefined;
      const value = source.read();
      setState((before) => (before.source === source && before.value === value ? before : { source, value }));
    };
    take();
    const unsubscribe = source.subscribe(() => {
      timer ??= setTimeout(take, intervalMs);
    });
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [source, intervalMs]);
  // A new source is read at once: never one render with the numbers of another run.
  return state.source === source ? state.value : source.read();
}
