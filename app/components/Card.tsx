/** A titled surface. */
import { useId } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Card.module.css';

export interface CardProps {
  title?: ReactNode;
  /** Short explanation under the title. */
  hint?: ReactNode;
  /** Buttons or badges at the right of the title. */
  aside?: ReactNode;
  className?: string;
  children?: ReactNode;
}

export function Card({ title, hint, aside, className, children }: CardProps) {
  const id = useId();
  return (
    <section className={cx(styles.card, className)} aria-labelledby={title ? id : undefined}>
      {(title || aside) && (
        <header className={styles.header}>
          <div className={styles.heading}>
            {title && <h2 id={id}>{title}</h2>}
            {hint && <p className={styles.hint}>{hint}</p>}
          </div>
          {aside && <div className={styles.aside}>{aside}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

/** Label and value pairs. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode] | null | false)[] }) {
  return (
    <dl className={styles.facts}>
      {rows.map((row) =>
        row ? (
          <div key={row[0]}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ) : null,
      )}
    </dl>
  );
}
