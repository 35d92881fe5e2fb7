/** A run's name, where it stands, and what can be done with it now. */
import { type ReactNode } from 'react';
import { cancelJob, pauseJob, resumeJob, stopJob } from '../../actions/engine.ts';
import { resumeRun } from '../../actions/trainRun.ts';
import { Badge, type Tone } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { formatDuration } from '../../components/format.ts';
import { Icon } from '../../components/Icon.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { RateText } from '../../components/RateText.tsx';
import { diffSettings } from '../../../src/config/trainSettings.ts';
import type { RunRecord, RunStatus } from '../../../src/records/run.ts';
import type { JobView } from '../../store/mirror/mirror.ts';
import { evaluationAt, isResumable, perplexityRatioAt, resumeStep, RUN_STATUS_WORDS } from '../../store/runFacts.ts';
import { toHash } from '../../store/route.ts';
import styles from './train.module.css';

const STATUS_TONE: Record<RunStatus, Tone> = { running: 'accent', paused: 'partial', completed: 'safe', stopped: 'neutral', failed: 'unsafe', interrupted: 'partial' };

export interface RunHeadProps {
  run: RunRecord;
  /** The job that works on this run now, if any. */
  job: JobView | null;
  /** Whether the engine could take a resumed run now: a model is loaded and nothing runs. */
  canResume: boolean;
}

export function RunHead({ run, job, canResume }: RunHeadProps): ReactNode {
  const status: RunStatus = job?.status === 'paused' ? 'paused' : run.status;
  const best = evaluationAt(run, run.bestStep)?.metrics ?? null;
  const ratio = perplexityRatioAt(run, run.bestStep);
  const last = run.metrics[run.metrics.length - 1];
  const differences = diffSettings(run.config);
  const resumable = !job && isResumable(run);
  return (
    <Card
      title={run.name}
      hint={`Started ${new Date(run.createdAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })} on ${run.backend === 'webgpu' ? 'WebGPU' : 'WASM'} with ${run.data.unsafe > run.config.unsafeSamples ? `${run.config.unsafeSamples} of ${run.data.unsafe}` : run.data.unsafe} unsafe, ${run.data.everyday} everyday and ${run.data.borderline} borderline rows`}
      aside={
        <>
          <Badge tone={STATUS_TONE[status]}>{RUN_STATUS_WORDS[status]}</Badge>
          {job && <JobButtons job={job} />}
        </>
      }
    >
      {job && (
        <ProgressBar
          label={job.progress?.phase ?? (job.status === 'queued' ? 'Waiting for the engine' : 'Starting')}
          done={job.progress?.done ?? run.step}
          total={job.progress?.total ?? run.config.maxSteps}
          unit={job.progress?.unit ?? 'steps'}
          etaMs={job.status === 'running' ? job.progress?.etaMs : null}
          tokensPerSecond={job.progress?.tokensPerSecond ?? last?.tokensPerSecond}
        />
      )}
      {run.status === 'failed' && !job && (
        <ErrorNote title="This run stopped with an error" actions={resumable && <ResumeButton run={run} canResume={canResume} />}>
          {run.failure?.message ?? 'The engine gave no reason.'}
        </ErrorNote>
      )}
      {run.status !== 'failed' && resumable && (
        <ErrorNote
          tone={run.status === 'interrupted' ? 'partial' : 'accent'}
          title={run.status === 'interrupted' ? `The page was closed in the middle of this run; it is saved up to step ${resumeStep(run)} of ${run.config.maxSteps}` : `Stopped at step ${run.step} of ${run.config.maxSteps}`}
          actions={<ResumeButton run={run} canResume={canResume} />}
        >
          Resumed, it goes on from there as if it had never stopped.
        </ErrorNote>
      )}
      <Facts
        rows={[
          ['Step', `${run.step} of ${run.config.maxSteps}`],
          ['Time in steps', last ? formatDuration(last.elapsedMs) : '–'],
          ['Best step', run.bestStep === null ? 'none yet' : run.bestStep],
          best !== null && ['Harmful at best', <RateText key="harmful" rate={best.harmful} />],
          best !== null && ['Over-refusal at best', <RateText key="over" rate={best.overRefusal} />],
          best !== null && ['Perplexity at best', ratio === null ? 'not measured' : `×${ratio.toFixed(3)}`],
        ]}
      />
      {run.bestReason && <p className={styles.quiet}>{run.bestReason}</p>}
      <p className={styles.quiet}>
        {differences.length === 0 ? 'All settings at their defaults.' : `Settings that differ from the defaults: ${differences.map(({ path, value }) => `${path} ${String(value)}`).join(', ')}.`} Rates are on validation prompts; the test
        split is untouched.
      </p>
      {!job && run.bestStep !== null && (
        <div className={styles.next}>
          <a className={styles.nextLink} href={toHash('evaluate', run.id)}>
            Evaluate on test prompts
          </a>
          <a className={styles.nextLink} href={toHash('export', run.id)}>
            Export
          </a>
        </div>
      )}
    </Card>
  );
}

function JobButtons({ job }: { job: JobView }): ReactNode {
  return (
    <>
      {job.status === 'running' && (
        <Button size="s" icon={<Icon name="pause" size={14} />} onClick={() => pauseJob(job.id)}>
          Pause
        </Button>
      )}
      {job.status === 'paused' && (
        <Button size="s" icon={<Icon name="play" size={14} />} onClick={() => resumeJob(job.id)}>
          Resume
        </Button>
      )}
      {job.status !== 'queued' && (
        <Button size="s" icon={<Icon name="stop" size={14} />} title="End the run here; the best step so far is kept" onClick={() => stopJob(job.id)}>
          Stop and keep best
        </Button>
      )}
      <Button size="s" variant="quiet" title="End the run and drop it" onClick={() => cancelJob(job.id)}>
        Cancel
      </Button>
    </>
  );
}

function ResumeButton({ run, canResume }: { run: RunRecord; canResume: boolean }): ReactNode {
  return (
    <Button variant={run.status === 'stopped' ? 'secondary' : 'primary'} disabled={!canResume} title={canResume ? undefined : 'Needs the loaded model and an idle engine'} onClick={() => void resumeRun(run.id)}>
      Resume from step {resumeStep(run)}
    </Button>
  );
}
