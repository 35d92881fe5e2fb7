/** Saves the tuned weights as a Hugging Face folder in a zip, with what reading it back has found. */
import { useState, type ReactNode } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { exportModel, saveFile, type ExportedModel } from '../../actions/exportFiles.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { Icon } from '../../components/Icon.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { formatBytes, formatPlural } from '../../components/format.ts';
import type { WeightsRef } from '../../../src/protocol/views.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import type { JobView } from '../../store/mirror/mirror.ts';
import styles from './export.module.css';

export interface ModelExportCardProps {
  /** Runs with weights, newest first; not empty. */
  runs: readonly RunRecord[];
  askedRun: string | null;
  modelName: string | null;
  job: JobView | null;
}

export function ModelExportCard({ runs, askedRun, modelName, job }: ModelExportCardProps): ReactNode {
  const [runId, setRunId] = useState(runs.find((run) => run.id === askedRun)?.id ?? (runs[0]?.id ?? ''));
  const [step, setStep] = useState('best');
  const [exported, setExported] = useState<ExportedModel | null>(null);
  const run = runs.find((candidate) => candidate.id === runId) ?? runs[0];
  const steps = (run?.checkpointSteps ?? []).filter((saved) => saved > 0);
  const chosen = step === 'best' || step === 'last' || steps.includes(Number(step)) ? step : 'best';
  const running = job?.name === 'exportModel' ? job : null;
  const why = modelName === null ? 'Needs the base model: load it on the Model page.' : job && !running ? 'The engine is busy with another job.' : null;
  const start = async (): Promise<void> => {
    if (!run) return;
    setExported(null);
    const weights: WeightsRef = { kind: 'run', runId: run.id, step: chosen === 'best' || chosen === 'last' ? chosen : Number(chosen) };
    const label = chosen === 'best' ? `step-${run.bestStep}` : chosen === 'last' ? 'last' : `step-${chosen}`;
    const result = await exportModel(weights, `${modelName ?? 'model'}-${run.name}-${label}`);
    if (!result) return;
    setExported(result);
    saveFile(result.fileName, result.zip, 'application/zip');
  };
  return (
    <Card title="Tuned model" hint="A merged Hugging Face folder in one zip: config, weights, tokenizer, chat template and a model card with the measured rates. It is read back and checked before it is saved.">
      <div className={styles.fields}>
        <SelectField label="Run" value={run?.id ?? ''} onChange={setRunId} options={runs.map((candidate) => ({ value: candidate.id, label: candidate.name }))} />
        <SelectField
          label="Weights"
          value={chosen}
          onChange={setStep}
          options={[
            { value: 'best', label: run?.bestStep == null ? 'Best step' : `Best (step ${run.bestStep})` },
            { value: 'last', label: 'Last step' },
            ...steps.map((saved) => ({ value: String(saved), label: `Step ${saved}` })),
          ]}
        />
      </div>
      {running ? (
        <div className={styles.progress}>
          <ProgressBar label={running.progress?.phase ?? 'Writing'} done={running.progress?.done ?? 0} total={running.progress?.total ?? 0} unit={running.progress?.unit} etaMs={running.progress?.etaMs} />
          <Button size="s" variant="quiet" onClick={() => cancelJob(running.id)}>
            Cancel
          </Button>
        </div>
      ) : (
        <div className={styles.buttons}>
          <Button variant="primary" icon={<Icon name="export" size={16} />} disabled={why !== null} onClick={() => void start()}>
            Write, verify and save
          </Button>
          {why && <span className={styles.quiet}>{why}</span>}
        </div>
      )}
      {exported && (
        <ErrorNote
          tone="safe"
          title={exported.verified}
          actions={
            <Button size="s" onClick={() => saveFile(exported.fileName, exported.zip, 'application/zip')}>
              Save again
            </Button>
          }
        >
          {exported.fileName}, {formatBytes(exported.zip.byteLength)}. Weights {exported.fingerprint.slice(0, 16)}.
          <Disclosure summary={formatPlural(exported.files.length, 'file')}>
            <ul className={styles.files}>
              {exported.files.map((file) => (
                <li key={file.path}>
                  <code>{file.path}</code> <span>{formatBytes(file.sizeBytes)}</span>
                </li>
              ))}
            </ul>
          </Disclosure>
        </ErrorNote>
      )}
    </Card>
  );
}
