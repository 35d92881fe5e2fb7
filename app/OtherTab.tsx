/** Shown instead of the studio while another tab has it. */
import { Button } from './components/Button.tsx';
import { EmptyState } from './components/EmptyState.tsx';
import styles from './App.module.css';

export function OtherTab({ onTake }: { onTake(): void }) {
  return (
    <main className={styles.main}>
      <h1>Sidestep</h1>
      <EmptyState
        title="Open in another tab"
        actions={
          <Button variant="primary" onClick={onTake}>
            Use it here
          </Button>
        }
      >
        <p>One tab at a time, so that no work is overwritten. A job that runs there stops when you go on here; a training run can be resumed from its last saved step.</p>
      </EmptyState>
    </main>
  );
}
