/** A short status word. The colour never carries the meaning alone. */
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Badge.module.css';

export type Tone = 'neutral' | 'accent' | 'safe' | 'unsafe' | 'partial' | 'incoherent';

export function Badge({ tone = 'neutral', title, children }: { tone?: Tone; title?: string; children: ReactNode }) {
  return (
    <span className={cx(styles.badge, styles[tone])} title={title}>
      {children}
    </span>
  );
}
