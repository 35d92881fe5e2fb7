/** The whole demo at the head of every page while it runs and until it is dismissed: stations with what came out of each. */
import { useSyncExternalStore } from 'react';
import { cancelDemo, dismissDemo } from './actions/runWholeDemo.ts';
import { getDemoProgress, subscribeDemo, type DemoStation } from './actions/demoProgress.ts';
import { Button } from './components/Button.tsx';
import { cx } from './components/cx.ts';
import { Icon } from './components/Icon.tsx';
import styles from './DemoBar.module.css';

const STATE_WORDS: Record<DemoStation['state'], string> = { waiting: 'waiting', running: 'running', done: 'done', skipped: 'not needed', failed: 'failed', cancelled: 'cancelled' };
const STATUS_WORDS = { running: 'Running the whole demo', done: 'The whole demo is done', failed: 'The demo stopped with an error', cancelled: 'The demo was cancelled; what was made stays' };

export function DemoBar() {
  const progress = useSyncExternalStore(subscribeDemo, getDemoProgress);
  if (progress.status === 'idle') return null;
  const running = progress.status === 'running';
  return (
    <section className={cx(styles.bar, running && styles.stuck)} aria-label="Whole demo">
      <div className={styles.head}>
        <strong role="status">{STATUS_WORDS[progress.status]}</strong>
        {running ? (
          <Button size="s" onClick={cancelDemo}>
            Cancel the demo
          </Button>
        ) : (
          <Button size="s" variant="quiet" icon={<Icon name="close" size={14} />} aria-label="Put the demo's progress away" onClick={dismissDemo} />
        )}
      </div>
      <ol className={styles.stations}>
        {progress.stations.map((station) => (
          <li key={station.id} className={cx(styles.station, styles[station.state])} aria-current={station.state === 'running' ? 'step' : undefined}>
            <span className={styles.mark} aria-hidden="true">
              {station.state === 'done' || station.state === 'skipped' ? <Icon name="check" size={14} /> : station.state === 'failed' || station.state === 'cancelled' ? <Icon name="close" size={14} /> : null}
            </span>
            <span>
              {station.title}
              <span className="visually-hidden">: {STATE_WORDS[station.state]}</span>
              {station.detail && <span className={styles.detail}>{station.detail}</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
