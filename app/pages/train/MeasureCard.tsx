/** A real step before a long run: time per step, memory, the settings that fit, and how long the whole run would take. */
import { useState, type ReactNode } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { measureStep } from '../../actions/measureStep.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import type { TrainConfig } from '../../../src/config/train.ts';
import type { StepMeasurement } from '../../../src/protocol/views.ts';
import type { JobView } from '../../store/mirror/mirror.ts';
import { studio } from '../../store/studio.ts';
import styles from './train.module.css';

export interface MeasureCardProps {
  config: TrainConfig;
  modelId: string | null;
  /** Whether there are rows to take a step on. */
  hasRows: boolean;
  job: JobView | null;
}

export function MeasureCard({ config, modelId, hasRows, job }: MeasureCardProps): ReactNode {
  const [measured, setMeasured] = useState<{ result: StepMeasurement; of: string; stoodIn: boolean } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const key = (settings: TrainConfig): string => JSON.stringify([modelId, settings]);
  const running = job?.name === 'measureStep' ? job : null;
  const measure = async (): Promise<void> => {
    setProblem(null);
    const outcome = await measureStep(config);
    setProblem(outcome.problem);
    if (outcome.measurement) setMeasured({ result: outcome.measurement, of: key(config), stoodIn: outcome.stoodIn });
  };
  const why = modelId === null ? 'Needs a loaded model.' : !hasRows ? 'Needs rows: add prompts with reference answers.' : job && !running ? 'The engine is busy with another job.' : null;
  const result = measured?.result;
  const isOf = measured !== null && (measured.of === key(config) || key(measured.result.config) === key(config));
  return (
    <Card
      title="Time and memory"
      hint="Takes one real step with your largest rows and throws it away. If the settings do not fit, smaller ones are tried."
      aside={result && (isOf ? <Badge tone="safe">measured</Badge> : <Badge tone="partial">of other settings</Badge>)}
    >
      {running ? (
        <div className={styles.measuring}>
          <ProgressBar label={running.progress?.phase ?? 'Waiting for the engine'} done={running.progress?.done ?? 0} total={running.progress?.total ?? 0} unit={running.progress?.unit} etaMs={running.progress?.etaMs} />
          <Button size="s" variant="quiet" onClick={() => cancelJob(running.id)}>
            Cancel
          </Button>
        </div>
      ) : (
        <div className={styles.next}>
          <Button disabled={why !== null} onClick={() => void measure()}>
            {result ? 'Measure again' : 'Measure a step'}
          </Button>
          {why && <span className={styles.quiet}>{why}</span>}
        </div>
      )}
      {problem && <ErrorNote title="The step did not succeed">{problem}</ErrorNote>}
      {result && !running && (
        <>
          <Facts
            rows={[
              ['A step', formatDuration(result.msPerStep)],
              ['Speed', `${Math.round(result.tokensPerSecond)} tokens/s`],
              ['Tensors at the peak', formatBytes(result.peakBytes)],
              result.gpuBytes != null && ['On the GPU', formatBytes(result.gpuBytes)],
              [`${result.config.maxSteps} steps`, `about ${formatDuration(result.msPerStep * result.config.maxSteps)}, evaluations not counted`],
            ]}
          />
          {result.changes.length > 0 && (
            <ErrorNote
              tone="partial"
              title="These settings did not fit as they were"
              actions={
                <Button size="s" variant="primary" disabled={key(result.config) === key(config)} onClick={() => studio.edit('train', { config: result.config })}>
                  {key(result.config) === key(config) ? 'Applied' : 'Apply the settings that fit'}
                </Button>
              }
            >
              <ul>
                {result.changes.map((change) => (
                  <li key={change}>{change}</li>
                ))}
              </ul>
            </ErrorNote>
          )}
          {measured.stoodIn && <p className={styles.quiet}>Nothing is labelled unsafe yet: benign rows stood in. Longer unsafe responses would take longer.</p>}
          {result.room && <p className={styles.quiet}>{result.room}</p>}
        </>
      )}
    </Card>
  );
}
