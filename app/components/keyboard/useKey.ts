/** The one registry of the page, and its React ends: bind a command while a component is mounted; read a command's keys. */
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { createKeyRegistry } from './keyRegistry.ts';
import type { KeyCommandId } from './keyCommand.ts';

export const keyRegistry = createKeyRegistry();

/** Runs `run` when the command's key is pressed; `enabled` false leaves the key alone. `run` gets false on release of held keys. */
export function useKey(id: KeyCommandId, run: (pressed: boolean) => void, enabled = true): void {
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => (enabled ? keyRegistry.bind(id, (pressed) => latest.current(pressed)) : undefined), [id, enabled]);
}

export function useKeysOf(id: KeyCommandId): readonly string[] {
  return useSyncExternalStore(keyRegistry.subscribe, () => keyRegistry.keysOf(id));
}

/** Listens on the window until the returned function is called. */
export function attachKeys(): () => void {
  const dispatch = (event: KeyboardEvent) => void keyRegistry.dispatch(event);
  const release = () => keyRegistry.releaseAll();
  window.addEventListener('keydown', dispatch);
  window.addEventListener('keyup', dispatch);
  window.addEventListener('blur', release);
  return () => {
    window.removeEventListener('keydown', dispatch);
    window.removeEventListener('keyup', dispatch);
    window.removeEventListener('blur', release);
  };
}
