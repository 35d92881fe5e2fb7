/** The key of a command, as printed on its button. Hidden on touch screens and from screen readers (use aria-keyshortcuts there). */
import { readableKey } from './keyboard/keyRegistry.ts';
import type { KeyCommandId } from './keyboard/keyCommand.ts';
import { useKeysOf } from './keyboard/useKey.ts';
import styles from './KeyHint.module.css';

export function KeyHint({ command }: { command: KeyCommandId }) {
  const key = useKeysOf(command)[0];
  return key ? <Key name={readableKey(key)} /> : null;
}

export function Key({ name }: { name: string }) {
  return (
    <kbd className={styles.key} aria-hidden="true">
      {name}
    </kbd>
  );
}
