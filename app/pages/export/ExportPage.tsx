/** The station Export: the tuned model, the curated data sets, the report of a run. Everything is written on this device. */
import { useMemo, type ReactNode } from 'react';
import { Card } from '../../components/Card.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { hasWeights } from '../../store/runFacts.ts';
import { toHash } from '../../store/route.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { DatasetCard } from './DatasetCard.tsx';
import { ModelExportCard } from './ModelExportCard.tsx';
import { ReportCard } from './ReportCard.tsx';
import styles from './export.module.css';

export function ExportPage(): ReactNode {
  const runState = useStudio((state) => state.mirror.runs);
  const askedRun = useStudio((state) => (state.route.station === 'export' ? (state.route.path[0] ?? null) : null));
  const model = useStudio((state) => state.mirror.model);
  const job = useStudio(selectActiveJob);
  const runs = useMemo(() => runState.order.flatMap((id) => runState.byId[id] ?? []).reverse(), [runState]);
  const withWeights = useMemo(() => runs.filter(hasWeights), [runs]);
  return (
    <>
      <PageHeader title="Export" lead="The tuned model or its adapter in the form other tools read, your labels as data sets, and a report of the run. Files are written here and saved by your browser; nothing is sent." />
      {withWeights.length > 0 ? (
        <ModelExportCard key={askedRun ?? ''} runs={withWeights} askedRun={askedRun} modelName={model?.name ?? null} job={job} />
      ) : (
        <EmptyState
          title="No tuned model yet"
          actions={
            <a className={styles.nextLink} href={toHash('train')}>
              Go to Train
            </a>
          }
        >
          When a run has a best step, its weights can be saved here as a Hugging Face folder.
        </EmptyState>
      )}
      <DatasetCard />
      {runs.length > 0 && <ReportCard key={`report-${askedRun ?? ''}`} runs={runs} askedRun={askedRun} />}
      <Card title="Bringing it back">
        <ul className={styles.notes}>
          <li>
            <strong>Model:</strong> drop the zip, or the unpacked folder, on the <a href={toHash('model')}>Model page</a>. It loads like any other Hugging Face folder, here or with Python transformers.
          </li>
          <li>
            <strong>Adapter:</strong> load the base model, then the adapter on the <a href={toHash('runs')}>Runs page</a>, or give its folder to Python peft.
          </li>
          <li>
            <strong>Full records:</strong> import <code>records.jsonl</code> on the <a href={toHash('prompts')}>Prompts page</a>. Prompts, responses, labels and edits come back as they were.
          </li>
          <li>
            <strong>Data sets:</strong> field names are TRL’s, so a trainer there takes the files as they are.
          </li>
        </ul>
      </Card>
    </>
  );
}
