/** Something longer behind one line. Native <details>: works without script, found by the page search. */
import type { ReactNode } from 'react';
import styles from './Disclosure.module.css';

export function Disclosure({ summary, children, open }: { summary: ReactNode; children: ReactNode; open?: boolean }) {
  return (
    <details className={styles.disclosure} open={open}>
      <summary>{summary}</summary>
      <div className={styles.body}>{children}</div>
    </details>
  );
}
