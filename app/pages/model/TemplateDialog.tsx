/** The text that surrounds every prompt: shown, edited, tried out, given back. */
import { useState } from 'react';
import { applyTemplate } from '../../actions/chatTemplate.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Dialog } from '../../components/Dialog.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { TextField } from '../../components/Field.tsx';
import type { ModelView } from '../../../src/protocol/views.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './ModelPage.module.css';

const WORDS: Record<ModelView['chatTemplate']['origin'], { badge: string; text: string }> = {
  model: { badge: 'the model’s own', text: 'It came with the model, which was trained with it.' },
  instruction: { badge: 'plain instructions', text: 'The model brings none: prompts are put into a plain instruction layout, which a base model can continue.' },
  edited: { badge: 'yours', text: 'You wrote it. It is kept for this model and used again when it is loaded.' },
};

export function TemplateDialog({ model, open, onClose }: { model: ModelView; open: boolean; onClose(): void }) {
  const { source, origin } = model.chatTemplate;
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [said, setSaid] = useState('');
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const shown = draft ?? source;
  const apply = async (next: string | null) => {
    setProblem(null);
    const failure = await applyTemplate(model, next);
    setProblem(failure?.message ?? null);
    if (failure) return;
    setDraft(null);
    setSaid(next === null ? 'Back to the model’s own.' : 'In use from now on.');
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      wide
      title="Chat template"
      description="How a prompt is written for this model, in Jinja. Generating, training and evaluating all use it; responses made before keep the text they got."
      actions={
        <>
          {origin === 'edited' && (
            <Button disabled={busy} onClick={() => void apply(null)}>
              Back to the model’s own
            </Button>
          )}
          <Button onClick={onClose}>Close</Button>
          <Button variant="primary" disabled={busy || shown === source || shown.trim() === ''} onClick={() => void apply(shown)}>
            Apply
          </Button>
        </>
      }
    >
      <div className={styles.templateForm}>
        <p className={styles.muted}>
          <Badge tone={origin === 'edited' ? 'accent' : 'neutral'}>{WORDS[origin].badge}</Badge> {WORDS[origin].text}
        </p>
        <TextField
          label="Template"
          mono
          rows={9}
          value={shown}
          onChange={(next) => {
            setDraft(next);
            setSaid('');
          }}
          hint="Has to write messages[0].content, and to begin the answer where add_generation_prompt is true."
        />
        {model.chatTemplate.preview !== undefined && draft === null && (
          <div>
            <h3 className={styles.previewTitle}>A short prompt, as the model gets it</h3>
            <pre className={styles.card} tabIndex={0} aria-label="Rendered prompt">{model.chatTemplate.preview}</pre>
          </div>
        )}
        {problem && <ErrorNote title="This template cannot be used; the one before stays">{problem}</ErrorNote>}
        <p className={styles.muted} role="status">
          {said}
        </p>
      </div>
    </Dialog>
  );
}
