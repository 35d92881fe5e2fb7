/** The cheat sheet: every command with its key, and a way to give it another. */
import { useEffect, useState } from 'react';
import { setKeys } from './actions/preferences.ts';
import { Button } from './components/Button.tsx';
import { Dialog } from './components/Dialog.tsx';
import { Key } from './components/KeyHint.tsx';
import { KEY_COMMANDS } from './components/keyboard/keyCommand.ts';
import type { KeyCommandId, KeyScope } from './components/keyboard/keyCommand.ts';
import { keyOfEvent, readableKey } from './components/keyboard/keyRegistry.ts';
import { keyRegistry, useKeysOf } from './components/keyboard/useKey.ts';
import styles from './App.module.css';
import { useStudio } from './store/useStudio.ts';

const SCOPES: readonly [KeyScope, string][] = [['global', 'Everywhere'], ['curate', 'Curate'], ['prompts', 'Prompts'], ['train', 'Train'], ['evaluate', 'Evaluate'], ['runs', 'Runs'], ['export', 'Export'], ['model', 'Model']];

export function ShortcutsDialog({ open, onClose }: { open: boolean; onClose(): void }) {
  const [listening, setListening] = useState<KeyCommandId | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  useEffect(() => {
    if (!listening) return;
    const hear = (event: KeyboardEvent) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      if (event.key === 'Escape') return setListening(null);
      const key = keyOfEvent(event);
      if (!key) return;
      const taken = keyRegistry.conflictOf(listening, key);
      if (taken) return setProblem(`${readableKey(key)} is taken by "${taken.title}". Press another key, or Esc.`);
      setKeys(listening, [key]);
      setProblem(null);
      setListening(null);
    };
    window.addEventListener('keydown', hear, { capture: true });
    return () => window.removeEventListener('keydown', hear, { capture: true });
  }, [listening]);

  return (
    <Dialog open={open} onClose={onClose} wide title="Keyboard shortcuts" description="Plain keys rest while you type in a field. Choose Change and press the key you would rather have.">
      <p role="status" className={styles.keyProblem}>
        {problem ?? (listening ? 'Press the new key, or Esc to leave it.' : '')}
      </p>
      <div className={styles.sheet}>
        {SCOPES.map(([scope, name]) => {
          const commands = KEY_COMMANDS.filter((command) => command.scope === scope);
          if (commands.length === 0) return null;
          return (
            <section key={scope} aria-label={name}>
              <h3>{name}</h3>
              <ul>
                {commands.map((command) => (
                  <KeyRow key={command.id} id={command.id} title={command.title} listening={listening === command.id} onChange={() => { setProblem(null); setListening(command.id); }} />
                ))}
              </ul>
            </section>
          );
        })}
      </div>
    </Dialog>
  );
}

function KeyRow({ id, title, listening, onChange }: { id: KeyCommandId; title: string; listening: boolean; onChange(): void }) {
  // Two keys may read the same: some layouts need Shift for "?", some do not.
  const keys = [...new Set(useKeysOf(id).map((key) => readableKey(key)))];
  const changed = useStudio((state) => id in state.drafts.preferences.keys);
  return (
    <li className={styles.keyRow}>
      <span className={styles.keyTitle}>{title}</span>
      <span className={styles.keyNames}>
        <span className="visually-hidden">{keys.join(' or ')}</span>
        {listening ? '…' : keys.map((key) => <Key key={key} name={key} />)}
      </span>
      {changed && (
        <Button variant="quiet" size="s" onClick={() => setKeys(id, null)} aria-label={`Default key for ${title}`}>
          Default
        </Button>
      )}
      <Button variant="quiet" size="s" onClick={onChange} aria-label={`Change key for ${title}`}>
        Change
      </Button>
    </li>
  );
}
