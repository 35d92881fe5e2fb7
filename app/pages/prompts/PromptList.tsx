/** The prompts with filter, selection, change and delete; a page of 100 at a time. */
import { useMemo, useRef, useState } from 'react';
import type { Prompt } from '../../../src/records/prompt.ts';
import { changePrompts, deletePrompts } from '../../actions/prompts.ts';
import { setSelectedPrompts } from '../../actions/selection.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { TextField } from '../../components/Field.tsx';
import { formatPlural } from '../../components/format.ts';
import { Icon } from '../../components/Icon.tsx';
import { KeyHint } from '../../components/KeyHint.tsx';
import { useKey } from '../../components/keyboard/useKey.ts';
import { SelectField } from '../../components/SelectField.tsx';
import { selectedPromptIds } from '../../store/selection.ts';
import { studio } from '../../store/studio.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './PromptsPage.module.css';
import { SETS, SPLITS } from './promptWords.ts';

const PAGE = 100;
const ALL_SETS = [{ value: 'all', label: 'All sets' }, ...SETS];
const ALL_SPLITS = [{ value: 'all', label: 'All splits' }, ...SPLITS];
const SET_TONE = { harmful: 'unsafe', borderline: 'partial', everyday: 'safe' } as const;

export function PromptList() {
  const prompts = useStudio((state) => state.project.prompts);
  const filter = useStudio((state) => state.drafts.prompts);
  const pages = useStudio((state) => state.drafts.pages);
  const selected = useMemo(() => new Set(selectedPromptIds(pages)), [pages]);
  const [shown, setShown] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  useKey('search', () => frame.current?.querySelector<HTMLInputElement>('input[type=search]')?.focus());

  const matching = useMemo(() => {
    const search = filter.search.trim().toLowerCase();
    return prompts.filter(
      (prompt) =>
        (filter.set === 'all' || prompt.set === filter.set) &&
        (filter.split === 'all' || prompt.split === filter.split) &&
        (search === '' || prompt.text.toLowerCase().includes(search) || prompt.intent?.includes(search) || prompt.category?.includes(search)),
    );
  }, [prompts, filter]);
  const lastPage = Math.max(0, Math.ceil(matching.length / PAGE) - 1);
  const page = Math.min(filter.page, lastPage);
  const visible = matching.slice(page * PAGE, (page + 1) * PAGE);
  const chosen = matching.filter((prompt) => selected.has(prompt.id));
  const edit = (patch: Partial<typeof filter>) => studio.edit('prompts', { page: 0, ...patch });
  const toggle = (prompt: Prompt) => setSelectedPrompts(selected.has(prompt.id) ? [...selected].filter((id) => id !== prompt.id) : [...selected, prompt.id]);
  const allChosen = matching.length > 0 && chosen.length === matching.length;

  return (
    <div ref={frame} className={styles.list}>
      <div className={styles.filters}>
        <SelectField label="Set" value={filter.set} onChange={(set) => edit({ set })} options={ALL_SETS} />
        <SelectField label="Split" value={filter.split} onChange={(split) => edit({ split })} options={ALL_SPLITS} />
        <TextField label={<>Search <KeyHint command="search" /></>} type="search" value={filter.search} onChange={(search) => edit({ search })} />
      </div>
      <div className={styles.bulk}>
        <label className={styles.checkAll}>
          <input
            type="checkbox"
            checked={allChosen}
            ref={(box) => {
              if (box) box.indeterminate = chosen.length > 0 && !allChosen;
            }}
            onChange={() => setSelectedPrompts(allChosen ? [] : matching.map((prompt) => prompt.id))}
          />
          {chosen.length > 0 ? `${chosen.length} of ${formatPlural(matching.length, 'prompt')} selected` : formatPlural(matching.length, 'prompt')}
        </label>
        <span className={styles.buttons}>
          <Button size="s" variant="quiet" icon={<Icon name="eye" size={16} />} aria-pressed={shown} onClick={() => setShown(!shown)}>
            {shown ? 'Blur harmful prompts' : 'Show harmful prompts'}
          </Button>
          {chosen.length > 0 && (
            <>
              {SPLITS.map((split) => (
                <Button key={split.value} size="s" onClick={() => changePrompts(chosen, { split: split.value })}>
                  To {split.label.toLowerCase()}
                </Button>
              ))}
              <Button
                size="s"
                variant="danger"
                onClick={() => {
                  deletePrompts(chosen.map((prompt) => prompt.id));
                  setSelectedPrompts([]);
                }}
              >
                Delete {chosen.length}
              </Button>
            </>
          )}
        </span>
      </div>
      {matching.length === 0 ? (
        <p className={styles.what}>No prompt matches this filter.</p>
      ) : (
        <ul className={styles.rows}>
          {visible.map((prompt) => (
            <li key={prompt.id}>
              <input type="checkbox" aria-label={`Select prompt ${prompt.id}`} checked={selected.has(prompt.id)} onChange={() => toggle(prompt)} />
              <div className={styles.text}>
                <ContentShield quiet key={String(shown)} sensitive={prompt.set === 'harmful' && !shown} what="prompt">
                  {prompt.text}
                </ContentShield>
              </div>
              <span className={styles.tags}>
                <Badge tone={SET_TONE[prompt.set]}>{prompt.set}</Badge>
                <Badge>{prompt.split}</Badge>
                {prompt.intent && <span className={styles.what}>{prompt.intent}</span>}
              </span>
              <Button size="s" variant="quiet" aria-label={`Delete prompt ${prompt.id}`} title="Delete" icon={<Icon name="trash" size={16} />} onClick={() => deletePrompts([prompt.id])} />
            </li>
          ))}
        </ul>
      )}
      {lastPage > 0 && (
        <nav className={styles.pages} aria-label="Pages of prompts">
          <Button size="s" disabled={page === 0} onClick={() => edit({ page: page - 1 })}>
            Previous
          </Button>
          <span>
            {page * PAGE + 1}–{Math.min(matching.length, (page + 1) * PAGE)} of {matching.length}
          </span>
          <Button size="s" disabled={page === lastPage} onClick={() => edit({ page: page + 1 })}>
            Next
          </Button>
        </nav>
      )}
    </div>
  );
}
