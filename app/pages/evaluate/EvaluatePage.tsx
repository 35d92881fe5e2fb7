/** The station Evaluate: base and tuned weights on the same prompts, in numbers and in words. */
import { useMemo, useState, type ReactNode } from 'react';
import { collectEvaluationPrompts, removeEvaluation } from '../../actions/evaluateWeights.ts';
import { Button } from '../../components/Button.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { Icon } from '../../components/Icon.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import type { EvaluationReport } from '../../../src/records/evaluation.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import type { SavedReport } from '../../store/project/project.ts';
import { hasWeights } from '../../store/runFacts.ts';
import { toHash } from '../../store/route.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { countSets } from '../../store/trainingRows.ts';
import { useStudio } from '../../store/useStudio.ts';
import { AnswerTable } from './AnswerTable.tsx';
import { compareReports } from './comparison.ts';
import { EvaluateForm } from './EvaluateForm.tsx';
import { ResultCard } from './ResultCard.tsx';
import { metricsWithLabels } from './summary.ts';
import styles from './evaluate.module.css';

/** Base and tuned report of one evaluation. */
interface Evaluation {
  id: string;
  base: SavedReport;
  tuned: SavedReport;
}

/** Newest first; evaluations without both sides are left out. */
function pairReports(reports: readonly SavedReport[]): Evaluation[] {
  const byId = new Map<string, SavedReport[]>();
  for (const saved of reports) byId.set(saved.evaluationId, [...(byId.get(saved.evaluationId) ?? []), saved]);
  return [...byId].flatMap(([id, sides]): Evaluation[] => {
    const base = sides.find((saved) => saved.weights.kind === 'base');
    const tuned = sides.find((saved) => saved.weights.kind === 'run');
    return base && tuned ? [{ id, base, tuned }] : [];
  }).reverse();
}

export function EvaluatePage(): ReactNode {
  const runState = useStudio((state) => state.mirror.runs);
  const askedRun = useStudio((state) => (state.route.station === 'evaluate' ? (state.route.path[0] ?? null) : null));
  const model = useStudio((state) => state.mirror.model);
  const job = useStudio(selectActiveJob);
  const draft = useStudio((state) => state.drafts.evaluate);
  const prompts = useStudio((state) => state.project.prompts);
  const reports = useStudio((state) => state.project.reports);
  const [chosenRun, setChosenRun] = useState<string | null>(null);
  const [chosenEvaluation, setChosenEvaluation] = useState<string | null>(null);

  const runs = useMemo(() => runState.order.flatMap((id) => runState.byId[id] ?? []).filter(hasWeights).reverse(), [runState]);
  const evaluations = useMemo(() => pairReports(reports), [reports]);
  const sizes = useMemo(() => {
    const size = (split: EvaluationReport['split']) => countSets(collectEvaluationPrompts({ prompts }, split));
    return { test: size('test'), validation: size('validation'), custom: size('custom') };
  }, [prompts]);
  const testUses = evaluations.filter(({ tuned }) => tuned.report.split === 'test' && tuned.modelId === (model?.id ?? tuned.modelId)).length;
  const run = runs.find((candidate) => candidate.id === (chosenRun ?? askedRun)) ?? runs[0];
  const ofRun = evaluations.filter(({ tuned }) => tuned.weights.kind === 'run' && tuned.weights.runId === run?.id);
  // The result of the chosen run; without a choice the newest of all. Never another run's under this run's name.
  const explicit = chosenRun !== null || askedRun !== null;
  const evaluation = evaluations.find(({ id }) => id === chosenEvaluation) ?? ofRun[0] ?? (explicit ? undefined : evaluations[0]);

  const form = (shown: RunRecord): ReactNode => (
    <EvaluateForm
      key={shown.id}
      runs={runs}
      runId={shown.id}
      onRun={(runId) => {
        setChosenRun(runId);
        setChosenEvaluation(null);
      }}
      draft={draft}
      sizes={sizes}
      testUses={testUses}
      modelLoaded={model !== null}
      job={job}
      onDone={setChosenEvaluation}
    />
  );

  return (
    <>
      <PageHeader title="Evaluate" lead="Did it get safer, and at what price? Base and tuned model answer the same prompts; every rate comes with its counts and interval." />
      {run ? (
        evaluation && job?.name !== 'evaluate' ? (
          <Disclosure key={run.id} summary="Measure again, or other weights and prompts">
            {form(run)}
          </Disclosure>
        ) : (
          form(run)
        )
      ) : (
        <EmptyState
          title="No run to evaluate yet"
          actions={
            <a className={styles.nextLink} href={toHash('train')}>
              Go to Train
            </a>
          }
        >
          When a run has a best step, it is set against the base model here, prompt by prompt.
        </EmptyState>
      )}
      {evaluations.length > 1 && evaluation && (
        <SelectField
          className={styles.chooser}
          label="Saved evaluations"
          value={evaluation.id}
          onChange={setChosenEvaluation}
          options={evaluations.map(({ id, tuned }) => ({ value: id, label: `${tuned.title}, ${tuned.report.split}, ${new Date(tuned.createdAt).toLocaleString('en-GB', { dateStyle: 'short', timeStyle: 'short' })}` }))}
        />
      )}
      {evaluation && <EvaluationView key={evaluation.id} evaluation={evaluation} />}
      {!evaluation && run && job?.name !== 'evaluate' && <p className={styles.quiet}>Results appear here and are kept with your project.</p>}
    </>
  );
}

function EvaluationView({ evaluation }: { evaluation: Evaluation }): ReactNode {
  const { base, tuned } = evaluation;
  const curations = useStudio((state) => state.project.curations);
  const rows = useMemo(() => compareReports(base.report, tuned.report, curations), [base, tuned, curations]);
  const baseMetrics = useMemo(() => metricsWithLabels(base.report, rows, 'base'), [base, rows]);
  const tunedMetrics = useMemo(() => metricsWithLabels(tuned.report, rows, 'tuned'), [tuned, rows]);
  const overruled = rows.reduce((sum, row) => sum + (row.base.overruled ? 1 : 0) + (row.tuned.overruled ? 1 : 0), 0);
  return (
    <section className={styles.result} aria-label="Result">
      <ResultCard
        base={base}
        tuned={tuned}
        baseMetrics={baseMetrics}
        tunedMetrics={tunedMetrics}
        rows={rows}
        overruled={overruled}
        actions={<Button size="s" variant="quiet" icon={<Icon name="trash" size={16} />} aria-label="Delete this evaluation" title="Delete this evaluation (can be undone)" onClick={() => removeEvaluation(evaluation.id)} />}
      />
      <AnswerTable rows={rows} base={base} tuned={tuned} />
    </section>
  );
}
