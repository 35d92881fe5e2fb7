/** A measured rate, always with its counts and 95 % interval: "8.0 % (12/150, 95 % interval 4.6–13 %)". */
import { formatPercent as percent } from './format.ts';
import styles from './RateText.module.css';

export interface RateTextProps {
  /** Shape of the records' Rate. */
  rate: { k: number; n: number; low: number; high: number; interval?: 'wilson' | 'clustered'; clusters?: number };
  /** Percentage large, the rest beneath. */
  stacked?: boolean;
}

/** Below this many prompts an interval is too wide to decide anything. */
const FEW = 30;

/** A number and its unit stay on one line. */
const formatPercent = (share: number) => percent(share).replace(' ', '\u00a0');

export function RateText({ rate, stacked }: RateTextProps) {
  if (rate.n === 0) return <span className={styles.none}>not assessed (0/0)</span>;
  const how = rate.interval === 'clustered' ? `Wilson interval widened for ${rate.clusters ?? '?'} intents` : 'Wilson interval';
  return (
    <span className={stacked ? styles.stacked : undefined} title={how}>
      <span className={styles.share}>{formatPercent(rate.k / rate.n)}</span>{' '}
      <span className={styles.counts}>
        {rate.k}/{rate.n}, 95 %: {formatPercent(rate.low).replace('\u00a0%', '')}–{formatPercent(rate.high)}
        {rate.n < FEW ? ', few' : ''}
      </span>
    </span>
  );
}
