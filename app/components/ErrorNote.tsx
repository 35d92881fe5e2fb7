/** A note in the page: an error with what to do, or a warning. For passing messages use a notice. */
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './ErrorNote.module.css';

export interface NoteProps {
  title: string;
  tone?: 'unsafe' | 'partial' | 'accent' | 'safe';
  children?: ReactNode;
  actions?: ReactNode;
}

export function ErrorNote({ title, tone = 'unsafe', children, actions }: NoteProps) {
  return (
    <div className={cx(styles.note, styles[tone])} role={tone === 'unsafe' ? 'alert' : 'status'}>
      <strong>{title}</strong>
      {children && <div className={styles.body}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
