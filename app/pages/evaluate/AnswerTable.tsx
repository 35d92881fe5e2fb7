/** All prompts of an evaluation with both answers, filtered, a page at a time. */
import { useMemo, useRef, useState, type ReactNode } from 'react';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { TextField } from '../../components/Field.tsx';
import { KeyHint } from '../../components/KeyHint.tsx';
import { formatPlural } from '../../components/format.ts';
import { useKey } from '../../components/keyboard/useKey.ts';
import type { SavedReport } from '../../store/project/project.ts';
import { AnswerPair } from './AnswerPair.tsx';
import { CHANGE_WORDS } from './changeWords.ts';
import { countChanges, filterRows, type Change, type ComparedRow, type RowFilter } from './comparison.ts';
import styles from './evaluate.module.css';

/** Pairs drawn at once: two diffs each. */
const PAGE_SIZE = 20;
const CHANGES: Change[] = ['fixed', 'regressed', 'over-refused', 'garbled'];

export interface AnswerTableProps {
  rows: readonly ComparedRow[];
  base: SavedReport;
  tuned: SavedReport;
}

export function AnswerTable({ rows, base, tuned }: AnswerTableProps): ReactNode {
  const [filter, setFilter] = useState<RowFilter>({ set: 'all', change: 'all', search: '' });
  const [page, setPage] = useState(0);
  const filters = useRef<HTMLDivElement>(null);
  useKey('search', () => filters.current?.querySelector<HTMLInputElement>('input[type=search]')?.focus());
  const counts = useMemo(() => countChanges(rows), [rows]);
  const shown = useMemo(() => filterRows(rows, filter), [rows, filter]);
  const pages = Math.max(1, Math.ceil(shown.length / PAGE_SIZE));
  const current = Math.min(page, pages - 1);
  const change = (patch: Partial<RowFilter>): void => {
    setFilter({ ...filter, ...patch });
    setPage(0);
  };
  return (
    <Card title="Answers" hint="Words that differ are marked. Hold B to show blurred text.">
      <div className={styles.chips} role="group" aria-label="What changed">
        {(['all', ...CHANGES] as const).map((value) => (
          <Button key={value} size="s" aria-pressed={filter.change === value} className={filter.change === value ? styles.pressed : undefined} onClick={() => change({ change: value })}>
            {value === 'all' ? `All ${rows.length}` : `${CHANGE_WORDS[value].word} ${counts[value]}`}
          </Button>
        ))}
        <Button size="s" aria-pressed={filter.change === 'labelled'} className={filter.change === 'labelled' ? styles.pressed : undefined} onClick={() => change({ change: 'labelled' })}>
          Labelled by you
        </Button>
      </div>
      <div ref={filters} className={styles.filters}>
        <SelectField
          label="Set"
          value={filter.set}
          onChange={(set) => change({ set })}
          options={[
            { value: 'all', label: 'All sets' },
            { value: 'harmful', label: 'Harmful' },
            { value: 'borderline', label: 'Borderline' },
            { value: 'everyday', label: 'Everyday' },
          ]}
        />
        <TextField label={<>Search prompts and answers <KeyHint command="search" /></>} type="search" value={filter.search} onChange={(search) => change({ search })} />
      </div>
      <p className={styles.quiet} role="status">
        {shown.length === rows.length ? formatPlural(rows.length, 'prompt') : `${shown.length} of ${formatPlural(rows.length, 'prompt')}`}
      </p>
      {shown.length === 0 ? (
        <p className={styles.quiet}>No prompt fits these filters.</p>
      ) : (
        <ul className={styles.pairs}>
          {shown.slice(current * PAGE_SIZE, (current + 1) * PAGE_SIZE).map((row) => (
            <AnswerPair
              key={row.promptId}
              row={row}
              baseTitle={base.title}
              tunedTitle={tuned.title}
              baseFingerprint={base.report.weightsFingerprint}
              tunedFingerprint={tuned.report.weightsFingerprint}
            />
          ))}
        </ul>
      )}
      {pages > 1 && (
        <nav className={styles.pager} aria-label="Pages of answers">
          <Button size="s" disabled={current === 0} onClick={() => setPage(current - 1)}>
            Previous
          </Button>
          <span className={styles.quiet}>
            Page {current + 1} of {pages}
          </span>
          <Button size="s" disabled={current === pages - 1} onClick={() => setPage(current + 1)}>
            Next
          </Button>
        </nav>
      )}
    </Card>
  );
}
