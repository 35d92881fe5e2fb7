/** Text with the words that differ from another text marked. Marks are <ins> and <del>, underlined or struck, never colour alone. */
import { diffWordsWithSpace } from 'diff';
import { useMemo } from 'react';
import styles from './WordDiff.module.css';

export interface WordDiffProps {
  before: string;
  after: string;
  /** One side with its own words marked, or both woven into one text. */
  side: 'before' | 'after' | 'both';
}

/** Texts that share less than this of the longer one are simply different: marks everywhere would say nothing. */
const LEAST_SHARED = 0.3;

export function WordDiff({ before, after, side }: WordDiffProps) {
  const parts = useMemo(() => diffWordsWithSpace(before, after), [before, after]);
  const shared = parts.reduce((sum, part) => sum + (part.added || part.removed ? 0 : part.value.trim().length), 0);
  if (side !== 'both' && shared < LEAST_SHARED * Math.max(before.length, after.length)) return <span className={styles.text}>{side === 'before' ? before : after}</span>;
  return (
    <span className={styles.text}>
      {parts.map((part, i) => {
        if (part.added) return side === 'before' ? null : <ins key={i} className={styles.added}>{part.value}</ins>;
        if (part.removed) return side === 'after' ? null : <del key={i} className={side === 'before' ? styles.replaced : styles.removed}>{part.value}</del>;
        return <span key={i}>{part.value}</span>;
      })}
    </span>
  );
}
