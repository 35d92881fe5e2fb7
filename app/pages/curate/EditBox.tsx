/** Editing a response in place: Mod+Enter saves and goes on, Esc leaves. The differences show while typing. */
import { useEffect, useRef, useState } from 'react';
import { Button } from '../../components/Button.tsx';
import { KeyHint } from '../../components/KeyHint.tsx';
import { useKey } from '../../components/keyboard/useKey.ts';
import { WordDiff } from '../../components/WordDiff.tsx';
import styles from './CuratePage.module.css';

export interface EditBoxProps {
  original: string;
  /** Text to begin with: an earlier edit, or the original. */
  start: string;
  onSave(text: string, goOn: boolean): void;
  onLeave(): void;
}

export function EditBox({ original, start, onSave, onLeave }: EditBoxProps) {
  const [text, setText] = useState(start);
  const area = useRef<HTMLTextAreaElement>(null);
  useKey('saveEdit', () => onSave(text, true));
  useKey('leaveEdit', onLeave);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(text.length, text.length);
    // Only when the box opens: later the person has the cursor.
  }, []);
  return (
    <div className={styles.editBox}>
      <textarea ref={area} className={styles.editArea} rows={5} value={text} aria-label="A safe rewrite of the response" onChange={(event) => setText(event.target.value)} />
      {text !== original && (
        <div className={styles.edit}>
          <span className={styles.tag}>Changes</span>
          <WordDiff before={original} after={text} side="both" />
        </div>
      )}
      <div className={styles.more}>
        <Button size="s" variant="primary" onClick={() => onSave(text, true)}>
          Save, go on <KeyHint command="saveEdit" />
        </Button>
        <Button size="s" onClick={() => onSave(text, false)}>
          Save
        </Button>
        <Button size="s" variant="quiet" onClick={onLeave}>
          Leave <KeyHint command="leaveEdit" />
        </Button>
        <span className={styles.made}>The original is kept: together they make a chosen and rejected pair.</span>
      </div>
    </div>
  );
}
