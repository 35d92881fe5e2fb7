/** What to evaluate, on which prompts; and how often the test split has been used already. */
import { useState, type ReactNode } from 'react';
import { evaluateRun } from '../../actions/evaluateWeights.ts';
import { cancelJob, pauseJob, resumeJob } from '../../actions/engine.ts';
import { setCoherenceSamples } from '../../actions/trainRun.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { Icon } from '../../components/Icon.tsx';
import { NumberField } from '../../components/NumberField.tsx';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { SliderField } from '../../components/SliderField.tsx';
import { formatPlural } from '../../components/format.ts';
import type { EvaluationReport } from '../../../src/records/evaluation.ts';
import type { PromptSet } from '../../../src/records/prompt.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import type { Drafts } from '../../store/drafts/drafts.ts';
import type { JobView } from '../../store/mirror/mirror.ts';
import { studio } from '../../store/studio.ts';
import styles from './evaluate.module.css';

type SplitChoice = EvaluationReport['split'];

export interface EvaluateFormProps {
  runs: readonly RunRecord[];
  runId: string;
  onRun(runId: string): void;
  draft: Drafts['evaluate'];
  /** Prompts of each split and set. */
  sizes: Record<SplitChoice, Record<PromptSet, number>>;
  /** Evaluations on the test split so far, of any run of this model. */
  testUses: number;
  modelLoaded: boolean;
  /** The running evaluation, or another job that must end first. */
  job: JobView | null;
  /** Called with the id of a finished evaluation. */
  onDone(evaluationId: string): void;
}

const SPLIT_WORDS: Record<SplitChoice, string> = { test: 'Test', validation: 'Validation', custom: 'My own prompts' };

export function EvaluateForm({ runs, runId, onRun, draft, sizes, testUses, modelLoaded, job, onDone }: EvaluateFormProps): ReactNode {
  const [step, setStep] = useState<string>('best');
  const [strength, setStrength] = useState(1);
  const run = runs.find((candidate) => candidate.id === runId);
  const lora = run?.config.trainingMethod === 'lora';
  const steps = (run?.checkpointSteps ?? []).filter((saved) => saved > 0);
  // A brought adapter has one checkpoint.
  const chosenStep = run?.imported ? 'last' : step === 'best' || step === 'last' || steps.includes(Number(step)) ? step : 'best';
  const size = sizes[draft.split];
  const total = size.harmful + size.borderline + size.everyday;
  const own = sizes.custom.harmful + sizes.custom.borderline + sizes.custom.everyday > 0;
  const splits = (['test', 'validation', 'custom'] as const).filter((split) => split !== 'custom' || own || draft.split === 'custom');
  const evaluating = job?.name === 'evaluate';
  const start = async (): Promise<void> => {
    const id = await evaluateRun(runId, chosenStep === 'best' || chosenStep === 'last' ? chosenStep : Number(chosenStep), draft.split, lora ? strength : 1);
    if (id) onDone(id);
  };
  const why = !modelLoaded ? 'No model is loaded: load it on the Model page.' : total === 0 ? 'There are no prompts of this split.' : job && !evaluating ? 'The engine is busy with another job.' : null;
  return (
    <Card title="Measure" hint="The base model and the tuned one answer the same prompts, decoded greedily, judged by the same judges.">
      <div className={styles.fields}>
        <SelectField label="Run" value={runId} onChange={onRun} options={runs.map((candidate) => ({ value: candidate.id, label: candidate.name }))} />
        <SelectField
          label="Weights"
          value={chosenStep}
          onChange={setStep}
          options={run?.imported ? [{ value: 'last', label: 'The adapter' }] : [
            { value: 'best', label: run?.bestStep == null ? 'Best step' : `Best (step ${run.bestStep})` },
            { value: 'last', label: 'Last step' },
            ...steps.map((saved) => ({ value: String(saved), label: `Step ${saved}` })),
          ]}
        />
        <SelectField label="Prompts" value={draft.split} onChange={(split) => studio.edit('evaluate', { split })} options={splits.map((split) => ({ value: split, label: SPLIT_WORDS[split] }))} />
        <NumberField
          label="Prompts a set"
          hint="At most this many, spread over intents. 0 takes all."
          value={draft.config.promptsPerSet}
          min={0}
          step={10}
          onChange={(promptsPerSet) => studio.edit('evaluate', { config: { ...draft.config, promptsPerSet } })}
        />
        <NumberField
          label="Coherence samples"
          hint="Answers of the base model, of each of two kinds, that set above which loss an answer is gibberish. Training uses the same number."
          value={draft.config.coherenceSamples}
          min={8}
          step={8}
          onChange={setCoherenceSamples}
        />
        {lora && (
          <SliderField
            label="Strength of the adapter"
            hint="0 is the base model, 1 the adapter as it was trained. The result is named after it."
            value={strength}
            min={0}
            max={1.5}
            step={0.05}
            onChange={setStrength}
            format={(value) => value.toFixed(2)}
          />
        )}
      </div>
      <p className={styles.quiet}>
        {formatPlural(size.harmful, 'harmful prompt')}, {size.borderline} borderline, {size.everyday} everyday.{' '}
        {draft.split === 'test' && (testUses === 0 ? 'The test split has not been used yet.' : `The test split has been used ${testUses === 1 ? 'once' : `${testUses} times`} for this model.`)}
        {draft.split === 'validation' && 'Checkpoints were chosen on these prompts, so they flatter the chosen one a little. Report the test split.'}
        {draft.split === 'custom' && 'Your own prompts of every split. Those that were trained on flatter the tuned model.'}
      </p>
      {draft.split === 'test' && testUses > 0 && (
        <ErrorNote tone="partial" title="Touch the test split once">
          Choosing settings by looking at it makes its numbers too good. Compare settings on validation prompts, and measure the final choice here.
        </ErrorNote>
      )}
      {evaluating && job ? (
        <div className={styles.progress}>
          <ProgressBar label={job.progress?.phase ?? 'Waiting for the engine'} done={job.progress?.done ?? 0} total={job.progress?.total ?? 0} unit={job.progress?.unit} etaMs={job.progress?.etaMs} tokensPerSecond={job.progress?.tokensPerSecond} />
          <div className={styles.buttons}>
            {job.status === 'paused' ? (
              <Button size="s" onClick={() => resumeJob(job.id)}>
                Resume
              </Button>
            ) : (
              <Button size="s" onClick={() => pauseJob(job.id)}>
                Pause
              </Button>
            )}
            <Button size="s" variant="quiet" onClick={() => cancelJob(job.id)}>
              Cancel
            </Button>
          </div>
        </div>
      ) : (
        <div className={styles.buttons}>
          <Button variant="primary" icon={<Icon name="evaluate" size={16} />} disabled={why !== null} onClick={() => void start()}>
            Evaluate base and tuned
          </Button>
          {why && <span className={styles.quiet}>{why}</span>}
        </div>
      )}
    </Card>
  );
}
