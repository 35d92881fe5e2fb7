/** The store's only React: subscribe to a part of it. Selectors must return stable references or use `useShallow`. */
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { studio } from './studio.ts';
import type { StudioState } from './studio.ts';

export function useStudio<T>(selector: (state: StudioState) => T): T {
  return useStore(studio.store, selector);
}

/** For selectors that build an object or array: compares its parts. */
export function useStudioParts<T>(selector: (state: StudioState) => T): T {
  return useStore(studio.store, useShallow(selector));
}
