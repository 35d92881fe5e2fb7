/** The station Runs: history, names, comparison. */
import { useMemo, useState, type ReactNode } from 'react';
import { deleteRun } from '../../actions/trainRun.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { EmptyState } from '../../components/EmptyState.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { formatPlural } from '../../components/format.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { toHash } from '../../store/route.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { AdapterCard } from './AdapterCard.tsx';
import { RunComparison } from './RunComparison.tsx';
import { RunRowView } from './RunRowView.tsx';
import { runRows } from './runTable.ts';
import styles from './runs.module.css';

export function RunsPage(): ReactNode {
  const runState = useStudio((state) => state.mirror.runs);
  const storage = useStudio((state) => state.mirror.engine.storage);
  const modelName = useStudio((state) => state.mirror.model?.name ?? null);
  const modelLoaded = modelName !== null;
  const idle = useStudio((state) => selectActiveJob(state) === null);
  const [selected, setSelected] = useState<readonly string[]>([]);
  const [leaving, setLeaving] = useState<RunRecord | null>(null);
  const rows = useMemo(() => runRows(runState.order.flatMap((id) => runState.byId[id] ?? [])), [runState]);
  const compared = useMemo(() => selected.flatMap((id) => runState.byId[id] ?? []), [selected, runState]);

  if (rows.length === 0)
    return (
      <>
        <PageHeader title="Runs" lead="Every run is kept with its settings, curves and weights, and none overwrites another." />
        <EmptyState
          title="No runs yet"
          actions={
            <a className={styles.nextLink} href={toHash('train')}>
              Go to Train
            </a>
          }
        >
          Start one on the Train page. It appears here at once, also if the page is closed in the middle of it.
        </EmptyState>
        <AdapterCard modelName={modelName} idle={idle} />
      </>
    );
  return (
    <>
      <PageHeader title="Runs" lead="Every run is kept with its settings, curves and weights, and none overwrites another. Tick two or more to compare them." />
      <Card
        title={formatPlural(rows.length, 'run')}
        hint={storage === 'memory' ? 'This browser gives the page no storage: runs are lost when it is closed.' : 'Rates are on validation prompts, at the best step.'}
        aside={
          selected.length > 0 && (
            <Button size="s" variant="quiet" onClick={() => setSelected([])}>
              Clear selection
            </Button>
          )
        }
      >
        <div className={styles.scroll} role="region" aria-label="Runs" tabIndex={0}>
          <table className={styles.runs}>
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">Compare</span>
                </th>
                <th scope="col">Run</th>
                <th scope="col">Status</th>
                <th scope="col">Best step</th>
                <th scope="col">Harmful</th>
                <th scope="col">Over-refusal</th>
                <th scope="col">Perplexity</th>
                <th scope="col">
                  <span className="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <RunRowView
                  key={row.run.id}
                  row={row}
                  selected={selected.includes(row.run.id)}
                  onSelect={(on) => setSelected(on ? [...selected, row.run.id] : selected.filter((id) => id !== row.run.id))}
                  onDelete={() => setLeaving(row.run)}
                  canResume={modelLoaded && idle}
                  canDelete={row.run.status !== 'running' && row.run.status !== 'paused'}
                />
              ))}
            </tbody>
          </table>
        </div>
        {compared.length === 1 && <p className={styles.quiet}>Tick another run to compare it with {compared[0]?.name}.</p>}
      </Card>
      {compared.length > 1 && <RunComparison runs={compared} />}
      <AdapterCard modelName={modelName} idle={idle} />
      <Dialog
        open={leaving !== null}
        onClose={() => setLeaving(null)}
        title={`Delete ${leaving?.name ?? 'this run'}?`}
        description="Its curves, checkpoints and weights are removed from this browser. This cannot be undone; saved evaluations stay."
        actions={
          <>
            <Button onClick={() => setLeaving(null)}>Keep it</Button>
            <Button
              variant="danger"
              onClick={() => {
                if (leaving) {
                  setSelected(selected.filter((id) => id !== leaving.id));
                  void deleteRun(leaving.id);
                }
                setLeaving(null);
              }}
            >
              Delete run
            </Button>
          </>
        }
      />
    </>
  );
}
