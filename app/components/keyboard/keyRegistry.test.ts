import { describe, expect, it } from 'vitest';
import { KEY_COMMANDS } from './keyCommand.ts';
import { createKeyRegistry, keyOfEvent, readableKey } from './keyRegistry.ts';

/** A key press without a browser. `inside` names what the focused element matches. */
function press(key: string, options: { mods?: string[]; type?: string; repeat?: boolean; inside?: string[] } = {}) {
  const { mods = [], type = 'keydown', repeat = false, inside = [] } = options;
  let prevented = false;
  const event = {
    key, code: `Key${key.toUpperCase()}`, type, repeat,
    ctrlKey: mods.includes('Control'), metaKey: mods.includes('Meta'), altKey: mods.includes('Alt'), shiftKey: mods.includes('Shift'),
    getModifierState: (name: string) => mods.includes(name),
    preventDefault: () => void (prevented = true),
    target: { closest: (selector: string) => (selector.split(',').some((part) => inside.some((name) => part === name || part.startsWith(`${name}:`))) ? {} : null) },
  } as unknown as KeyboardEvent;
  return { event, wasPrevented: () => prevented };
}

describe('the key registry', () => {
  it('runs the command whose key was pressed and keeps the key from the page', () => {
    const registry = createKeyRegistry();
    const ran: string[] = [];
    registry.bind('labelUnsafe', () => ran.push('unsafe'));
    const { event, wasPrevented } = press('2');
    expect(registry.dispatch(event)).toBe('labelUnsafe');
    expect(ran).toEqual(['unsafe']);
    expect(wasPrevented()).toBe(true);
  });

  it('leaves a key alone that nothing is bound to, and after unbinding', () => {
    const registry = createKeyRegistry();
    const unbind = registry.bind('labelSafe', () => undefined);
    unbind();
    const { event, wasPrevented } = press('1');
    expect(registry.dispatch(event)).toBeNull();
    expect(wasPrevented()).toBe(false);
  });

  it('rests while the person types, except for combinations made for it', () => {
    const registry = createKeyRegistry();
    const ran: string[] = [];
    registry.bind('labelSafe', () => ran.push('safe'));
    registry.bind('undo', () => ran.push('undo'));
    registry.bind('saveEdit', () => ran.push('save'));
    registry.dispatch(press('1', { inside: ['textarea'] }).event);
    registry.dispatch(press('z', { mods: ['Control'], inside: ['textarea'] }).event);
    expect(ran).toEqual([]);
    registry.dispatch(press('Enter', { mods: ['Control'], inside: ['textarea'] }).event);
    expect(ran).toEqual(['save']);
  });

  it('leaves Space to a focused button, arrows to a slider and plain keys to an open dialog', () => {
    const registry = createKeyRegistry();
    const ran: string[] = [];
    registry.bind('labelSkip', () => ran.push('skip'));
    registry.bind('nextResponse', () => ran.push('next'));
    registry.bind('labelSafe', () => ran.push('safe'));
    registry.dispatch(press(' ', { inside: ['button'] }).event);
    registry.dispatch(press('ArrowRight', { inside: ['[role=slider]'] }).event);
    registry.dispatch(press('1', { inside: ['[role=dialog]'] }).event);
    expect(ran).toEqual([]);
    registry.dispatch(press('1', { inside: ['button'] }).event);
    expect(ran).toEqual(['safe']);
  });

  it('tells redo from undo, with both of its keys', () => {
    const registry = createKeyRegistry();
    const ran: string[] = [];
    registry.bind('undo', () => ran.push('undo'));
    registry.bind('redo', () => ran.push('redo'));
    registry.dispatch(press('z', { mods: ['Control'] }).event);
    registry.dispatch(press('Z', { mods: ['Control', 'Shift'] }).event);
    registry.dispatch(press('y', { mods: ['Control'] }).event);
    expect(ran).toEqual(['undo', 'redo', 'redo']);
  });

  it('holds: begins once on key down, ends on key up or when the window loses focus', () => {
    const registry = createKeyRegistry();
    const ran: boolean[] = [];
    registry.bind('peek', (pressed) => ran.push(pressed));
    registry.dispatch(press('b').event);
    registry.dispatch(press('b', { repeat: true }).event);
    registry.dispatch(press('b', { type: 'keyup' }).event);
    registry.dispatch(press('b').event);
    registry.releaseAll();
    expect(ran).toEqual([true, false, true, false]);
  });

  it('does not label a whole queue when a key is held down', () => {
    const registry = createKeyRegistry();
    let count = 0;
    registry.bind('labelUnsafe', () => (count += 1));
    registry.dispatch(press('2').event);
    for (let index = 0; index < 5; index += 1) registry.dispatch(press('2', { repeat: true }).event);
    expect(count).toBe(1);
  });

  it('follows the keys the person chose, and goes back', () => {
    const registry = createKeyRegistry();
    let count = 0;
    let told = 0;
    registry.subscribe(() => (told += 1));
    registry.bind('labelSafe', () => (count += 1));
    registry.setOverrides({ labelSafe: ['q'] });
    registry.dispatch(press('1').event);
    registry.dispatch(press('q').event);
    expect(count).toBe(1);
    expect(registry.keysOf('labelSafe')).toEqual(['q']);
    registry.setOverrides({});
    registry.dispatch(press('1').event);
    expect([count, told]).toEqual([2, 2]);
  });

  it('names the command a key already belongs to, where both are active', () => {
    const registry = createKeyRegistry();
    expect(registry.conflictOf('labelSafe', '2')?.id).toBe('labelUnsafe');
    expect(registry.conflictOf('labelSafe', 'B')?.id).toBe('peek');
    expect(registry.conflictOf('labelSafe', 'q')).toBeNull();
    expect(registry.conflictOf('labelSafe', '1')).toBeNull();
  });

  it('has no two default commands on one key in one place, and no bare key that fires in text', () => {
    const registry = createKeyRegistry();
    for (const command of KEY_COMMANDS) for (const key of command.keys) expect([command.id, key, registry.conflictOf(command.id, key)?.id]).toEqual([command.id, key, undefined]);
    for (const command of KEY_COMMANDS) if ('inText' in command && command.inText) for (const key of command.keys) expect(key).toMatch(/\+|Escape/);
  });

  it('writes a press as a key, and a key for people', () => {
    expect(keyOfEvent(press('k', { mods: ['Control'] }).event)).toBe('$mod+k');
    expect(keyOfEvent(press(' ').event)).toBe('Space');
    expect(keyOfEvent(press('Shift', { mods: ['Shift'] }).event)).toBeNull();
    expect([readableKey('$mod+Shift+z', false), readableKey('$mod+Shift+z', true), readableKey('Shift+?', false), readableKey('ArrowLeft', false)]).toEqual(['Ctrl+Shift+Z', '⌘⇧Z', '?', '←']);
  });
});
