/**
 * Blurs text that may be toxic until the person reveals it. Click reveals one text; holding the peek key shows all while it is held.
 * Presenter mode never keeps a text revealed: only the held key shows it. Not a filter: nothing is removed or rewritten.
 */
import { createContext, useContext, useState } from 'react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './ContentShield.module.css';

export interface ShieldPolicy {
  /** Blur at all. */
  on: boolean;
  /** Blur everything, and let nothing stay revealed. */
  presenter: boolean;
  /** True while the peek key is held. */
  peeking: boolean;
}

export const ShieldContext = createContext<ShieldPolicy>({ on: true, presenter: false, peeking: false });

export interface ContentShieldProps {
  /** Whether this text may be toxic; harmless text is never blurred (except in presenter mode). */
  sensitive?: boolean;
  /** Names the text for screen readers, e.g. "response". */
  what?: string;
  /** For rows of lists: the button shows its words only when pointed at or focused. */
  quiet?: boolean;
  /** Called when the person reveals this text, for texts that are revealed together. */
  onReveal?(): void;
  children: ReactNode;
}

/** Give it a `key` that changes with the text, or the next text starts revealed. */
export function ContentShield({ sensitive = true, what = 'text', quiet, onReveal, children }: ContentShieldProps) {
  const policy = useContext(ShieldContext);
  const [revealed, setRevealed] = useState(false);
  const covered = (policy.presenter || (policy.on && sensitive && !revealed)) && !policy.peeking;
  return (
    <div className={styles.shield}>
      <div className={cx(styles.content, covered && styles.blurred)} aria-hidden={covered || undefined}>
        {children}
      </div>
      {covered && !policy.presenter && (
        <button
          type="button"
          className={cx(styles.cover, quiet && styles.quiet)}
          onClick={() => {
            setRevealed(true);
            onReveal?.();
          }}
        >
          <span>Reveal {what}</span>
        </button>
      )}
      {covered && policy.presenter && (
        <div className={styles.cover}>
          <span>Presenter mode: hold B to show</span>
        </div>
      )}
    </div>
  );
}
