/** The report of a run as one HTML file. */
import { useState, type ReactNode } from 'react';
import { buildRunReport, saveFile } from '../../actions/exportFiles.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { formatBytes } from '../../components/format.ts';
import type { RunRecord } from '../../../src/records/run.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './export.module.css';

export interface ReportCardProps {
  /** Newest first; not empty. */
  runs: readonly RunRecord[];
  askedRun: string | null;
}

export function ReportCard({ runs, askedRun }: ReportCardProps): ReactNode {
  const [runId, setRunId] = useState(runs.find((run) => run.id === askedRun)?.id ?? (runs[0]?.id ?? ''));
  const [saved, setSaved] = useState<string | null>(null);
  const evaluated = useStudio((state) => state.project.reports.some((report) => report.weights.kind === 'run' && report.weights.runId === runId));
  const save = async (): Promise<void> => {
    const report = await buildRunReport(runId);
    if (!report) return;
    saveFile(report.fileName, report.html, 'text/html');
    setSaved(`${report.fileName}, ${formatBytes(new TextEncoder().encode(report.html).byteLength)}, was given to your browser’s downloads.`);
  };
  return (
    <Card title="Run report" hint="Settings, curves, rates with counts and intervals, sample answers: one HTML file without scripts or outside links, with its data inside as JSON.">
      <div className={styles.fields}>
        <SelectField label="Run" value={runId} onChange={setRunId} options={runs.map((run) => ({ value: run.id, label: run.name }))} />
      </div>
      <p className={styles.quiet}>
        {evaluated ? 'Its latest evaluation against the base model is part of it.' : 'This run has not been evaluated against the base model: the report will show its validation rates alone.'} Answers to toxic prompts are folded away until
        opened.
      </p>
      <div className={styles.buttons}>
        <Button onClick={() => void save()}>Save report</Button>
        <span className={styles.quiet} role="status">
          {saved}
        </span>
      </div>
    </Card>
  );
}
