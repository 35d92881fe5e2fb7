/** What a page shows while it has nothing: what belongs here, and the one thing to do next. */
import type { ReactNode } from 'react';
import styles from './EmptyState.module.css';

export function EmptyState({ title, children, actions }: { title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className={styles.empty}>
      <h2>{title}</h2>
      {children && <div className={styles.text}>{children}</div>}
      {actions && <div className={styles.actions}>{actions}</div>}
    </div>
  );
}
