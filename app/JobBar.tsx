/** The running job at the foot of every page: progress with time left, pause, stop, cancel. Mirrors the engine and claims nothing itself. */
import { cancelJob, pauseJob, resumeJob, stopJob } from './actions/engine.ts';
import { Button } from './components/Button.tsx';
import { Icon } from './components/Icon.tsx';
import { ProgressBar } from './components/ProgressBar.tsx';
import styles from './App.module.css';
import { JOB_WORDS, PAUSABLE, STOPPABLE } from './jobWords.ts';
import { isEnded } from './store/mirror/jobs.ts';
import { selectActiveJob } from './store/stations.ts';
import { useStudio } from './store/useStudio.ts';

/** Shown by the Model page itself: one bar is enough. */
const ON_MODEL_PAGE: ReadonlySet<string> = new Set(['openEngine', 'loadModel']);

export function JobBar() {
  const job = useStudio((state) => {
    const active = selectActiveJob(state);
    return active && state.route.station === 'model' && ON_MODEL_PAGE.has(active.name) ? null : active;
  });
  const waiting = useStudio((state) => state.mirror.jobs.order.filter((id) => !isEnded(state.mirror.jobs.byId[id]!)).length - 1);
  const word = job && JOB_WORDS[job.name];
  const status = !job || !word ? '' : job.status === 'paused' ? `${word}: paused` : job.status === 'queued' ? `${word}: waiting` : word;
  const phase = job?.progress?.phase ?? '';
  // "Training · training" says nothing more.
  const detail = word?.toLowerCase().startsWith(phase.toLowerCase()) ? '' : phase;
  return (
    <>
      <div className="visually-hidden" role="status">
        {status}
      </div>
      {job && word && (
        <section className={styles.jobBar} aria-label="Running job">
          <ProgressBar
            label={detail ? `${status} · ${detail}` : status}
            done={job.progress?.done ?? 0}
            total={job.progress?.total ?? 0}
            unit={job.progress?.unit}
            etaMs={job.status === 'running' ? job.progress?.etaMs : null}
            tokensPerSecond={job.progress?.tokensPerSecond}
            bytesPerSecond={job.progress?.bytesPerSecond}
          />
          <div className={styles.jobButtons}>
            {waiting > 0 && <span className={styles.waiting}>{waiting} waiting</span>}
            {PAUSABLE.has(job.name) && job.status === 'running' && (
              <Button size="s" icon={<Icon name="pause" size={14} />} onClick={() => pauseJob(job.id)}>
                Pause
              </Button>
            )}
            {job.status === 'paused' && (
              <Button size="s" icon={<Icon name="play" size={14} />} onClick={() => resumeJob(job.id)}>
                Resume
              </Button>
            )}
            {STOPPABLE.has(job.name) && job.status !== 'queued' && (
              <Button size="s" icon={<Icon name="stop" size={14} />} title="End early and keep what is there" onClick={() => stopJob(job.id)}>
                Stop and keep
              </Button>
            )}
            <Button size="s" variant="quiet" title="End and drop what this job made" onClick={() => cancelJob(job.id)}>
              Cancel
            </Button>
          </div>
        </section>
      )}
    </>
  );
}
