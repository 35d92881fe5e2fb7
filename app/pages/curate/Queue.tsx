/** The queue: filter, search, bulk accept, and one response in focus. */
import { useMemo, useRef } from 'react';
import { acceptSuggestions, suggestedLabel } from '../../actions/curate.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { TextField } from '../../components/Field.tsx';
import { Icon } from '../../components/Icon.tsx';
import { KeyHint } from '../../components/KeyHint.tsx';
import { useKey } from '../../components/keyboard/useKey.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { SwitchField } from '../../components/SwitchField.tsx';
import { setShield } from '../../actions/preferences.ts';
import { studio } from '../../store/studio.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './CuratePage.module.css';
import { FILTERS, filterItems, itemsOf } from './queue.ts';
import type { QueueFilter } from './queue.ts';
import { ResponseFocus } from './ResponseFocus.tsx';

/** Filters that a decision does not take a response out of: at their end the focus stays where it is. */
const STAYING: ReadonlySet<QueueFilter> = new Set<QueueFilter>(['all', 'suggestedUnsafe', 'suggestedSafe', 'edited']);

export function Queue() {
  const project = useStudio((state) => state.project);
  const { filter, search, focusId } = useStudio((state) => state.drafts.curate);
  const shield = useStudio((state) => state.drafts.preferences.shield);
  const frame = useRef<HTMLDivElement>(null);
  const all = useMemo(() => itemsOf(project), [project]);
  const items = useMemo(() => filterItems(all, filter, search), [all, filter, search]);
  // A response that undo brought back is shown even where the filter would hide it.
  const shown = all.find((item) => item.response.id === focusId) ?? items[0] ?? null;
  const position = shown ? items.findIndex((item) => item.response.id === shown.response.id) : -1;
  const acceptable = useMemo(() => items.filter((item) => !item.curation?.label && !item.curation?.discarded && suggestedLabel(item.response.verdict?.outcome) !== null), [items]);

  const focusOn = (responseId: string | null) => studio.edit('curate', { focusId: responseId });
  const move = (by: number) => {
    const next = items[Math.min(items.length - 1, Math.max(0, position < 0 ? 0 : position + by))];
    if (next) focusOn(next.response.id);
  };
  useKey('nextResponse', () => move(1));
  useKey('previousResponse', () => move(-1));
  useKey('search', () => frame.current?.querySelector<HTMLInputElement>('input[type=search]')?.focus());

  return (
    <Card>
      <div ref={frame} className={styles.filters}>
        <SelectField label="Show" value={filter} onChange={(next) => studio.edit('curate', { filter: next, focusId: null })} options={FILTERS} />
        <TextField label={<>Search <KeyHint command="search" /></>} type="search" value={search} onChange={(next) => studio.edit('curate', { search: next, focusId: null })} />
        <SwitchField label="Blur until revealed" hint={<>Hold <KeyHint command="peek" /> to peek.</>} checked={shield} onChange={(on) => setShield({ shield: on })} />
      </div>
      <div className={styles.queueBar}>
        <span className={styles.position} role="status">
          {items.length === 0 ? 'None here' : position >= 0 ? `${position + 1} of ${items.length}` : `${items.length} in this list`}
        </span>
        <span className={styles.queueButtons}>
          {acceptable.length > 0 && (
            <Button size="s" onClick={() => acceptSuggestions(acceptable.map((item) => item.response))}>
              Accept all {acceptable.length} suggestions
            </Button>
          )}
          <Button size="s" variant="quiet" icon={<Icon name="chevronLeft" size={16} />} aria-label="Previous response" title="Previous (K)" disabled={position <= 0} onClick={() => move(-1)} />
          <Button size="s" variant="quiet" icon={<Icon name="chevronRight" size={16} />} aria-label="Next response" title="Next (J)" disabled={items.length === 0 || position === items.length - 1} onClick={() => move(1)} />
        </span>
      </div>
      {shown ? (
        <ResponseFocus item={shown} items={items} stays={STAYING.has(filter)} onFocus={focusOn} />
      ) : (
        <p className={styles.nothing}>
          {filter === 'unlabelled' && search === '' ? 'All responses are decided. Change the filter to look again, or go on to Train.' : 'No response matches this filter.'}
        </p>
      )}
    </Card>
  );
}
