/** Saves the tuned weights as a Hugging Face folder or, of a LoRA run, as a PEFT adapter, with what reading it back has found. */
import { useState, type ReactNode } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { exportModel, saveFile, type ExportedModel } from '../../actions/exportFiles.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ChoiceField } from '../../components/ChoiceField.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { Icon } from '../../components/Icon.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { SliderField } from '../../components/SliderField.tsx';
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
  const [as, setAs] = useState<'merged' | 'adapter'>('adapter');
  const [strength, setStrength] = useState(1);
  const [exported, setExported] = useState<ExportedModel | null>(null);
  const run = runs.find((candidate) => candidate.id === runId) ?? runs[0];
  const steps = (run?.checkpointSteps ?? []).filter((saved) => saved > 0);
  // A brought adapter has one checkpoint.
  const chosen = run?.imported ? 'last' : step === 'best' || step === 'last' || steps.includes(Number(step)) ? step : 'best';
  const lora = run?.config.trainingMethod === 'lora';
  const kind = lora ? as : 'merged';
  const running = job?.name === 'exportModel' ? job : null;
  const why = modelName === null ? 'Needs the base model: load it on the Model page.' : job && !running ? 'The engine is busy with another job.' : null;
  const start = async (): Promise<void> => {
    if (!run) return;
    setExported(null);
    const weights: WeightsRef = { kind: 'run', runId: run.id, step: chosen === 'best' || chosen === 'last' ? chosen : Number(chosen), ...(lora && kind === 'merged' && strength !== 1 ? { strength } : {}) };
    const label = chosen === 'best' ? `step-${run.bestStep}` : chosen === 'last' ? 'last' : `step-${chosen}`;
    const ending = kind === 'adapter' ? '-adapter' : weights.strength === undefined ? '' : `-strength-${strength}`;
    const result = await exportModel(weights, kind, `${modelName ?? 'model'}-${run.name}-${label}${ending}`);
    if (!result) return;
    setExported(result);
    if (result.zip) saveFile(`${result.folder}.zip`, result.zip, 'application/zip');
  };
  return (
    <Card title="Tuned model" hint="With a model card that holds the measured rates. What is written is read back and checked before it is saved.">
      <div className={styles.fields}>
        <SelectField label="Run" value={run?.id ?? ''} onChange={setRunId} options={runs.map((candidate) => ({ value: candidate.id, label: candidate.name }))} />
        <SelectField
          label="Weights"
          value={chosen}
          onChange={setStep}
          options={run?.imported ? [{ value: 'last', label: 'The adapter' }] : [
            { value: 'best', label: run?.bestStep == null ? 'Best step' : `Best (step ${run.bestStep})` },
            { value: 'last', label: 'Last step' },
            ...steps.map((saved) => ({ value: String(saved), label: `Step ${saved}` })),
          ]}
        />
      </div>
      {lora && (
        <ChoiceField
          label="Save as"
          value={as}
          onChange={setAs}
          options={[
            { value: 'adapter', label: 'Adapter (PEFT)', hint: 'Small. For Python peft and other tools that load it beside the same base model; its strength can still be turned there.' },
            { value: 'merged', label: 'Merged model', hint: 'A whole Hugging Face folder with the adapter added to the weights. For tools that know no adapters, and to load it here as a model.' },
          ]}
        />
      )}
      {lora && kind === 'merged' && (
        <SliderField label="Strength of the adapter" hint="0 is the base model, 1 the adapter as it was trained, above 1 more of it than was measured." value={strength} min={0} max={1.5} step={0.05} onChange={setStrength} format={(value) => value.toFixed(2)} />
      )}
      {!lora && <p className={styles.quiet}>A whole Hugging Face folder: config, weights, tokenizer and chat template.</p>}
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
            exported.zip !== null && (
              <Button size="s" onClick={() => exported.zip && saveFile(`${exported.folder}.zip`, exported.zip, 'application/zip')}>
                Save again
              </Button>
            )
          }
        >
          {exported.zip ? `${exported.folder}.zip, ${formatBytes(exported.zip.size)}.` : 'Too large for one zip file: save the files one by one into a folder.'} Weights {exported.fingerprint.slice(0, 16)}.
          <Disclosure summary={formatPlural(exported.files.length, 'file')} open={exported.zip === null}>
            <ul className={styles.files}>
              {exported.files.map((file) => (
                <li key={file.path}>
                  <code>{file.path}</code>
                  <span>
                    {formatBytes(file.data.size)}{' '}
                    <Button size="s" variant="quiet" aria-label={`Save ${file.path}`} onClick={() => saveFile(file.path, file.data, 'application/octet-stream')}>
                      Save
                    </Button>
                  </span>
                </li>
              ))}
            </ul>
          </Disclosure>
        </ErrorNote>
      )}
    </Card>
  );
}
