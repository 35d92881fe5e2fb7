/**
 * Our registry over tinykeys' matching: which command a key press runs, given what is bound now, where the focus is, and the person's own keys.
 * Not for sequences of presses.
 */
import { matchKeyBindingPress, parseKeybinding } from 'tinykeys';
import { KEY_COMMANDS } from './keyCommand.ts';
import type { KeyCommand, KeyCommandId } from './keyCommand.ts';

export type KeyOverrides = Partial<Record<string, readonly string[]>>;
type Run = (pressed: boolean) => void;

/** Roles and elements that use plain keys themselves. */
const TYPING = 'input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=file]),textarea,select,[contenteditable=""],[contenteditable="true"]';
const MOVING = '[role=slider],[role=combobox],[role=listbox],[role=option],[role=tab],[role=menu],[role=radio],[role=dialog],[role=alertdialog]';
const PRESSING = 'button,a[href],summary,[role=button],[role=switch],[role=checkbox]';

export interface KeyRegistry {
  /** Binds a function to a command until the returned function is called. The newest binding of a command wins. */
  bind(id: KeyCommandId, run: Run): () => void;
  /** Gives the event to the command it belongs to. @returns the command's id, or null if none wanted it */
  dispatch(event: KeyboardEvent): KeyCommandId | null;
  /** Ends all held keys, as when the window loses focus. */
  releaseAll(): void;
  keysOf(id: KeyCommandId): readonly string[];
  setOverrides(overrides: KeyOverrides): void;
  /** The command that already uses this key where `id` is active, or null. */
  conflictOf(id: KeyCommandId, key: string): KeyCommand | null;
  subscribe(listener: () => void): () => void;
}

export function createKeyRegistry(commands: readonly KeyCommand[] = KEY_COMMANDS): KeyRegistry {
  const byId = new Map(commands.map((command) => [command.id, command]));
  const bound = new Map<string, Run[]>();
  const held = new Map<string, { code: string; run: Run }>();
  const listeners = new Set<() => void>();
  let overrides: KeyOverrides = {};

  const keysOf = (id: string): readonly string[] => overrides[id] ?? byId.get(id)?.keys ?? [];
  const matches = (command: KeyCommand, event: KeyboardEvent) =>
    keysOf(command.id).some((key) => {
      const press = parseKeybinding(key)[0];
      return press !== undefined && matchKeyBindingPress(event, press);
    });

  return {
    bind(id, run) {
      bound.set(id, [...(bound.get(id) ?? []), run]);
      return () => {
        const rest = (bound.get(id) ?? []).filter((other) => other !== run);
        if (rest.length > 0) bound.set(id, rest);
        else bound.delete(id);
      };
    },
    dispatch(event) {
      if (event.type === 'keyup') {
        for (const [id, hold] of held) {
          if (hold.code !== event.code) continue;
          held.delete(id);
          hold.run(false);
          return id as KeyCommandId;
        }
        return null;
      }
      for (const command of commands) {
        const run = bound.get(command.id)?.at(-1);
        if (!run || !matches(command, event) || belongsToFocus(event, command)) continue;
        event.preventDefault();
        if (command.hold) {
          if (event.repeat || held.has(command.id)) return command.id as KeyCommandId;
          held.set(command.id, { code: event.code, run });
        } else if (event.repeat && command.scope === 'curate' && command.id.startsWith('label')) {
          // A key held down must not label a whole queue.
          return command.id as KeyCommandId;
        }
        run(true);
        return command.id as KeyCommandId;
      }
      return null;
    },
    releaseAll() {
      for (const hold of held.values()) hold.run(false);
      held.clear();
    },
    keysOf,
    setOverrides(next) {
      overrides = next;
      for (const listener of listeners) listener();
    },
    conflictOf(id, key) {
      const own = byId.get(id);
      const wanted = normalise(key);
      for (const command of commands) {
        if (command.id === id || !own) continue;
        const meet = command.scope === own.scope || command.scope === 'global' || own.scope === 'global';
        if (meet && keysOf(command.id).some((other) => normalise(other) === wanted)) return command;
      }
      return null;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** Whether the focused element needs this press for itself: text fields, sliders, open menus and dialogs, Space on a button. */
function belongsToFocus(event: KeyboardEvent, command: KeyCommand): boolean {
  const target = event.target as { closest?: (selector: string) => unknown } | null;
  if (typeof target?.closest !== 'function') return false;
  if (target.closest(TYPING)) return !command.inText;
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  if (target.closest(MOVING)) return true;
  return (event.key === ' ' || event.key === 'Enter') && Boolean(target.closest(PRESSING));
}

function normalise(key: string): string {
  const parts = key.toLowerCase().split('+');
  return [...parts.slice(0, -1).sort(), parts.at(-1)].join('+');
}

/** A key press as a tinykeys string, for remapping; null for a modifier alone. */
export function keyOfEvent(event: KeyboardEvent): string | null {
  if (['Control', 'Shift', 'Alt', 'Meta', 'Tab', 'Dead', 'Process'].includes(event.key)) return null;
  const mods: string[] = [];
  if (event.ctrlKey || event.metaKey) mods.push('$mod');
  if (event.altKey) mods.push('Alt');
  if (event.shiftKey) mods.push('Shift');
  return [...mods, event.key === ' ' ? 'Space' : event.key].join('+');
}

/** The key as people read it: `$mod+Shift+z` -> "Ctrl+Shift+Z". */
export function readableKey(key: string, mac = typeof navigator !== 'undefined' && /Mac|iP(hone|ad)/.test(navigator.platform)): string {
  const names: Record<string, string> = { $mod: mac ? '⌘' : 'Ctrl', shift: mac ? '⇧' : 'Shift', alt: mac ? '⌥' : 'Alt', arrowright: '→', arrowleft: '←', arrowup: '↑', arrowdown: '↓', escape: 'Esc' };
  const parts = key.split('+');
  const shown = key === 'Shift+?' ? ['?'] : parts.map((part) => names[part.toLowerCase()] ?? (part.length === 1 ? part.toUpperCase() : part));
  return shown.join(mac ? '' : '+');
}
