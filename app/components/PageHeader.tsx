/** Title of a station: what it is for in one sentence, and its main buttons. The h1 takes the focus when the station changes. */
import type { ReactNode } from 'react';
import styles from './PageHeader.module.css';

export function PageHeader({ title, lead, children }: { title: string; lead: ReactNode; children?: ReactNode }) {
  return (
    <header className={styles.header}>
      <div className={styles.words}>
        <h1 tabIndex={-1} id="page-title">
          {title}
        </h1>
        {lead && <p className={styles.lead}>{lead}</p>}
      </div>
      {children && <div className={styles.actions}>{children}</div>}
    </header>
  );
}
