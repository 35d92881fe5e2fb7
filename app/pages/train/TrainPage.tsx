/** The station Train: settings and readiness of the next run; charts and answers of the running or chosen one. */
import { useMemo, useState, type ReactNode } from 'react';
import { readValidationSize } from '../../actions/trainRun.ts';
import { PageHeader } from '../../components/PageHeader.tsx';
import { Tabs } from '../../components/Tabs.tsx';
import { trainConfigSchema } from '../../../src/config/train.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { selectActiveJob } from '../../store/stations.ts';
import type { StudioState } from '../../store/studio.ts';
import { collectTrainingRows, collectValidation, countSets } from '../../store/trainingRows.ts';
import { useStudio } from '../../store/useStudio.ts';
import { assessReadiness, type ReadinessFacts } from './readiness.ts';
import { MeasureCard } from './MeasureCard.tsx';
import { MethodCard } from './MethodCard.tsx';
import { ReadyCard } from './ReadyCard.tsx';
import { RowPreview } from './RowPreview.tsx';
import { RunCharts } from './RunCharts.tsx';
import { RunHead } from './RunHead.tsx';
import { SamplesOverSteps } from './SamplesOverSteps.tsx';
import { SettingsForm } from './SettingsForm.tsx';
import styles from './train.module.css';

const BUSY_WORDS: Record<string, string> = {
  openEngine: 'it is being opened', loadModel: 'a model is being loaded', generate: 'responses are being generated', train: 'a run is in training',
  resumeRun: 'a run is in training', evaluate: 'an evaluation is running', exportModel: 'a model is being exported', measureStep: 'a step is being measured', verifyModel: 'a download is being checked',
};

/** The run to show: the one in the address, else the live one, else the newest. */
function selectShownRun(state: StudioState): RunRecord | null {
  const { byId, order } = state.mirror.runs;
  const asked = state.route.station === 'train' ? state.route.path[0] : undefined;
  if (asked !== undefined && byId[asked]) return byId[asked];
  const live = order.findLast((id) => byId[id]?.status === 'running' || byId[id]?.status === 'paused');
  return byId[live ?? order[order.length - 1] ?? ''] ?? null;
}

export function TrainPage(): ReactNode {
  const draft = useStudio((state) => state.drafts.train);
  const validationPerSet = useStudio((state) => readValidationSize(state.drafts.pages));
  const coherenceSamples = useStudio((state) => state.drafts.evaluate.config.coherenceSamples);
  const prompts = useStudio((state) => state.project.prompts);
  const responses = useStudio((state) => state.project.responses);
  const curations = useStudio((state) => state.project.curations);
  const model = useStudio((state) => state.mirror.model);
  const engine = useStudio((state) => state.mirror.engine.view);
  const modelName = model?.name ?? null;
  const job = useStudio(selectActiveJob);
  const run = useStudio(selectShownRun);
  const runs = useStudio((state) => state.mirror.runs);

  // Null: the run if there is one, else the settings.
  const [tab, setTab] = useState<'run' | 'next' | null>(null);

  const rows = useMemo(() => collectTrainingRows({ prompts, responses, curations }), [prompts, responses, curations]);
  const validation = useMemo(() => countSets(collectValidation({ prompts })), [prompts]);
  const configProblem = useMemo(() => {
    const parsed = trainConfigSchema.safeParse(draft.config);
    const issue = parsed.error?.issues[0];
    return issue ? `Settings: ${issue.path.join('.')}: ${issue.message}` : null;
  }, [draft.config]);
  const facts: ReadinessFacts = {
    modelName,
    busyWith: job ? (BUSY_WORDS[job.name] ?? null) : null,
    unsafe: rows.unsafe.length,
    everyday: rows.everyday.length,
    borderline: rows.borderline.length,
    validation,
    config: draft.config,
    configProblem,
  };
  const training = job?.name === 'train' || job?.name === 'resumeRun';
  const live = training && (run?.status === 'running' || run?.status === 'paused');
  const takenNames = useMemo(() => runs.order.map((id) => runs.byId[id]?.name ?? ''), [runs]);

  const settings = (
    <div className={styles.run}>
      <ReadyCard facts={facts} readiness={assessReadiness(facts)} name={draft.name} takenNames={takenNames} onStart={() => setTab(null)} />
      <MethodCard config={draft.config} model={model} engine={engine} />
      <MeasureCard config={draft.config} modelId={model?.id ?? null} hasRows={rows.unsafe.length + rows.everyday.length + rows.borderline.length > 0} job={job} />
      <SettingsForm config={draft.config} advanced={draft.advanced} validationPerSet={validationPerSet} coherenceSamples={coherenceSamples} problem={configProblem} />
      <RowPreview rows={rows} />
    </div>
  );
  return (
    <>
      <PageHeader title="Train" lead="Moves the model away from the meaning of the responses you labelled unsafe, while benign answers hold it in place. No safe answer has to be written." />
      {training && !live && <p className={styles.quiet}>The run is being prepared.</p>}
      {run ? (
        <Tabs<'run' | 'next'>
          label="Run or settings"
          value={tab ?? (training && !live ? 'next' : 'run')}
          onChange={setTab}
          tabs={[
            { value: 'run', label: `Run: ${run.name}`, content: <RunView run={run} job={live ? job : null} canResume={modelName !== null && job === null} /> },
            { value: 'next', label: 'Next run', content: settings },
          ]}
        />
      ) : (
        settings
      )}
    </>
  );
}

function RunView({ run, job, canResume }: { run: RunRecord; job: Parameters<typeof RunHead>[0]['job']; canResume: boolean }): ReactNode {
  return (
    <section className={styles.run} aria-label={`Run ${run.name}`}>
      <RunHead run={run} job={job} canResume={canResume} />
      <RunCharts runId={run.id} name={run.name} plannedSteps={run.config.maxSteps} perplexityLimit={run.config.checkpointRule.maxPerplexityRatio} />
      <SamplesOverSteps key={run.id} evaluations={run.evaluations} />
    </section>
  );
}
