/** One run in the history: facts at its best step, and what can be done with it. */
import { useState, type ReactNode } from 'react';
import { renameRun, resumeRun } from '../../actions/trainRun.ts';
import { navigate } from '../../actions/navigate.ts';
import { Badge, type Tone } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Icon } from '../../components/Icon.tsx';
import { RateText } from '../../components/RateText.tsx';
import type { RunStatus } from '../../../src/records/run.ts';
import { isResumable, RUN_STATUS_WORDS } from '../../store/runFacts.ts';
import { toHash } from '../../store/route.ts';
import type { RunRow } from './runTable.ts';
import styles from './runs.module.css';

const STATUS_TONE: Record<RunStatus, Tone> = { running: 'accent', paused: 'partial', completed: 'safe', stopped: 'neutral', failed: 'unsafe', interrupted: 'partial' };

export interface RunRowViewProps {
  row: RunRow;
  selected: boolean;
  onSelect(selected: boolean): void;
  onDelete(): void;
  /** A loaded model and an idle engine. */
  canResume: boolean;
  canDelete: boolean;
}

export function RunRowView({ row, selected, onSelect, onDelete, canResume, canDelete }: RunRowViewProps): ReactNode {
  const { run } = row;
  const [name, setName] = useState<string | null>(null);
  const rename = (): void => {
    const next = name?.trim() ?? '';
    setName(null);
    if (next !== '' && next !== run.name) void renameRun(run.id, next);
  };
  return (
    <tr className={selected ? styles.selected : undefined}>
      <td className={styles.check}>
        <input type="checkbox" checked={selected} onChange={(event) => onSelect(event.target.checked)} aria-label={`Compare ${run.name}`} />
      </td>
      <th scope="row" className={styles.nameCell}>
        {name === null ? (
          <>
            <a href={toHash('train', run.id)}>{run.name}</a>
            <Button size="s" variant="quiet" className={styles.rename} aria-label={`Rename ${run.name}`} onClick={() => setName(run.name)}>
              Rename
            </Button>
          </>
        ) : (
          <form
            className={styles.renameForm}
            onSubmit={(event) => {
              event.preventDefault();
              rename();
            }}
          >
            {/* Focus follows the person's click on Rename. */}
            <input autoFocus value={name} aria-label="New name" onChange={(event) => setName(event.target.value)} onKeyDown={(event) => event.key === 'Escape' && setName(null)} />
            <Button size="s" type="submit">
              Save
            </Button>
          </form>
        )}
        {run.imported && <Badge tone="accent" title="A PEFT adapter made elsewhere: it has no curves">imported</Badge>}
        {run.config.trainingMethod === 'lora' && !run.imported && <Badge>LoRA r {run.config.lora.r}</Badge>}
        {run.notice && <span className={styles.sub}>{run.notice}</span>}
        <span className={styles.sub}>{new Date(run.createdAt).toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })}</span>
        <span className={styles.sub}>{row.differences.length === 0 ? 'default settings' : row.differences.map(({ path, value }) => `${path} ${String(value)}`).join(', ')}</span>
      </th>
      <td data-label="Status">
        <Badge tone={STATUS_TONE[run.status]} title={run.failure?.message}>
          {RUN_STATUS_WORDS[run.status]}
        </Badge>
        <span className={styles.sub}>
          {run.step} of {run.config.maxSteps} steps
        </span>
      </td>
      <td data-label="Best step">{run.bestStep ?? '–'}</td>
      <td data-label="Harmful">{row.harmful ? <RateText rate={row.harmful} stacked /> : '–'}</td>
      <td data-label="Over-refusal">{row.overRefusal ? <RateText rate={row.overRefusal} stacked /> : '–'}</td>
      <td data-label="Perplexity">{row.perplexityRatio === null ? '–' : `×${row.perplexityRatio.toFixed(3)}`}</td>
      <td className={styles.deeds}>
        {isResumable(run) && (
          <Button size="s" disabled={!canResume} title={canResume ? undefined : 'Needs the loaded model and an idle engine'} aria-label={`Resume ${run.name}`} onClick={() => {
            void resumeRun(run.id);
            navigate('train', run.id);
          }}>
            Resume
          </Button>
        )}
        <Button size="s" variant="quiet" icon={<Icon name="trash" size={16} />} disabled={!canDelete} aria-label={`Delete ${run.name}`} title="Delete this run" onClick={onDelete} />
      </td>
    </tr>
  );
}
