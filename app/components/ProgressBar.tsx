/** Progress with its words: phase, done of total, time left (an estimate, and says so). */
import { formatBytes, formatBytesOf, formatDuration } from './format.ts';
import styles from './ProgressBar.module.css';

export interface ProgressBarProps {
  label: string;
  done: number;
  /** 0 while unknown: the bar then shows no share. */
  total: number;
  unit?: string;
  etaMs?: number | null;
  tokensPerSecond?: number;
  bytesPerSecond?: number;
  /** Only the bar and the phase; for narrow places. */
  compact?: boolean;
}

export function ProgressBar({ label, done, total, unit, etaMs, tokensPerSecond, bytesPerSecond, compact }: ProgressBarProps) {
  const share = total > 0 ? Math.min(1, done / total) : null;
  const amount =
    unit === 'bytes'
      ? total > 0 ? formatBytesOf(done, total) : formatBytes(done)
      : total > 0 ? `${done} of ${total}${unit ? ` ${unit}` : ''}` : `${done}${unit ? ` ${unit}` : ''}`;
  const parts = [amount];
  if (tokensPerSecond) parts.push(`${Math.round(tokensPerSecond)} tokens/s`);
  if (bytesPerSecond) parts.push(`${formatBytes(Math.round(bytesPerSecond))}/s`);
  if (etaMs != null) parts.push(`about ${formatDuration(etaMs)} left`);
  return (
    <div className={styles.progress}>
      <div className={styles.words}>
        <span className={styles.label}>{label}</span>
        {!compact && <span className={styles.amount}>{parts.join(' · ')}</span>}
      </div>
      <div
        className={styles.track}
        role="progressbar"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={share === null ? undefined : Math.round(share * 100)}
        aria-valuetext={parts.join(', ')}
      >
        <div className={share === null ? styles.unknown : styles.bar} style={share === null ? undefined : { width: `${share * 100}%` }} />
      </div>
    </div>
  );
}
