/** One response in focus: prompt, text, suggestion, and a button with its key for every decision. */
import { useState } from 'react';
import { acceptSuggestion, clearLabel, discardResponse, editResponse, labelResponse, suggestedLabel, twinsOf } from '../../actions/curate.ts';
import { regenerateResponse } from '../../actions/generateResponses.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { cx } from '../../components/cx.ts';
import { KeyHint } from '../../components/KeyHint.tsx';
import { useKey } from '../../components/keyboard/useKey.ts';
import { WordDiff } from '../../components/WordDiff.tsx';
import type { Label } from '../../../src/records/response.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { studio } from '../../store/studio.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './CuratePage.module.css';
import { EditBox } from './EditBox.tsx';
import { LABELS } from './labelWords.ts';
import { nextFocus } from './queue.ts';
import type { QueueItem } from './queue.ts';

export interface ResponseFocusProps {
  item: QueueItem;
  /** The filtered queue as it stands before the decision. */
  items: readonly QueueItem[];
  /** Whether the response stays in the queue once it is decided. */
  stays: boolean;
  onFocus(responseId: string | null): void;
}

export function ResponseFocus({ item, items, stays, onFocus }: ResponseFocusProps) {
  const { response, prompt, curation } = item;
  // Kept by response, not by mounting anew: the buttons stay, and with them the keyboard focus.
  const [editingId, setEditingId] = useState<string | null>(null);
  // Prompt and response are read together, so they are revealed together.
  const [revealedId, setRevealedId] = useState<string | null>(null);
  const editing = editingId === response.id;
  const revealed = revealedId === response.id;
  const setEditing = (on: boolean) => setEditingId(on ? response.id : null);
  const reveal = () => setRevealedId(response.id);
  const canGenerate = useStudio((state) => state.mirror.model !== null && selectActiveJob(state) === null);
  const suggestion = suggestedLabel(response.verdict?.outcome);
  const suggested = LABELS.find(({ label }) => label === suggestion);

  const advance = () => {
    const decided = new Set(twinsOf(studio.getState().project, response.id));
    onFocus(nextFocus(items, response.id, decided) ?? (stays ? response.id : null));
  };
  const label = (value: Label) => {
    // The next one is looked up in the queue as it is now: the decision may take this one out of it.
    advance();
    labelResponse(response.id, value);
  };
  const accept = () => {
    if (!suggestion) return;
    advance();
    acceptSuggestion(response.id);
  };
  const discard = () => {
    advance();
    discardResponse(response.id);
  };
  const saveEdit = (text: string) => {
    setEditing(false);
    editResponse(response.id, text === response.text ? null : text);
  };

  useKey('labelSafe', () => label('safe'), !editing);
  useKey('labelUnsafe', () => label('unsafe'), !editing);
  useKey('labelPartial', () => label('partial'), !editing);
  useKey('labelIncoherent', () => label('incoherent'), !editing);
  useKey('labelSkip', () => label('skipped'), !editing);
  useKey('acceptSuggestion', accept, !editing && suggestion !== null);
  useKey('discardResponse', discard, !editing);
  useKey('editResponse', () => setEditing(true), !editing);
  const regenerate = async () => {
    const made = await regenerateResponse(prompt.id);
    if (made) onFocus(made);
  };
  useKey('regenerate', () => void regenerate(), !editing && canGenerate);

  const state = curation?.discarded ? 'discarded' : curation?.label;
  const sensitive = prompt.set === 'harmful' && !revealed;
  return (
    <article className={styles.focus} aria-label="Response in focus">
      <div className={styles.promptBox}>
        <span className={styles.tag}>Prompt</span>
        <ContentShield key={`prompt-${response.id}`} quiet sensitive={sensitive} what="prompt" onReveal={reveal}>
          <p>{prompt.text}</p>
        </ContentShield>
      </div>
      <div className={styles.responseBox}>
        <div className={styles.responseHead}>
          <span className={styles.tag}>Response</span>
          {state && <Badge tone={LABELS.find((entry) => entry.label === state)?.tone ?? 'neutral'}>{state}</Badge>}
          {curation?.edit !== undefined && <Badge tone="accent">edited</Badge>}
          {response.finishReason === 'length' && <Badge title="The response reached its greatest length">cut at {response.tokenCount} tokens</Badge>}
        </div>
        {editing ? (
          <EditBox
            key={response.id}
            original={response.text}
            start={curation?.edit ?? response.text}
            onLeave={() => setEditing(false)}
            onSave={(text, goOn) => {
              saveEdit(text);
              if (goOn) advance();
            }}
          />
        ) : (
          <ContentShield key={response.id} sensitive={sensitive} what="prompt and response" onReveal={reveal}>
            <p className={styles.responseText}>{response.text || <em>(empty)</em>}</p>
            {curation?.edit !== undefined && (
              <div className={styles.edit}>
                <span className={styles.tag}>Your edit</span>
                <WordDiff before={response.text} after={curation.edit} side="both" />
              </div>
            )}
          </ContentShield>
        )}
      </div>
      <div className={styles.suggestion}>
        {suggested ? (
          <>
            <span>
              Suggested: <Badge tone={suggested.tone}>{suggested.word}</Badge>
            </span>
            <span className={styles.muted}>
              {response.verdict?.judge}
              {response.verdict?.reason ? `: ${response.verdict.reason}` : ''}
            </span>
            <Button size="s" onClick={accept} aria-keyshortcuts="A">
              Accept <KeyHint command="acceptSuggestion" />
            </Button>
          </>
        ) : (
          <span className={styles.muted}>{response.verdict ? 'The judge could not assess this response.' : 'No suggestion.'}</span>
        )}
      </div>
      <div className={styles.labels} role="group" aria-label="Label and go on">
        {LABELS.map((entry) => (
          <button key={entry.label} type="button" title={entry.hint} disabled={editing} aria-pressed={curation?.label === entry.label && !curation.discarded} className={cx(styles.labelButton, styles[`is-${entry.label}`], suggestion === entry.label && styles.suggested)} onClick={() => label(entry.label)}>
            <span>{entry.label === 'skipped' ? 'Skip' : entry.word[0]!.toUpperCase() + entry.word.slice(1)}</span>
            <KeyHint command={entry.command} />
          </button>
        ))}
      </div>
      <div className={styles.more}>
        <Button size="s" disabled={editing} onClick={() => setEditing(true)}>
          Edit <KeyHint command="editResponse" />
        </Button>
        <Button size="s" disabled={editing} onClick={discard}>
          Discard <KeyHint command="discardResponse" />
        </Button>
        <Button size="s" disabled={editing || !canGenerate} title={canGenerate ? 'One more response to this prompt, with the next seed' : 'Load the model, and let the running job end'} onClick={() => void regenerate()}>
          Regenerate <KeyHint command="regenerate" />
        </Button>
        {state && (
          <Button size="s" variant="quiet" onClick={() => clearLabel(response.id)}>
            Take the label away
          </Button>
        )}
        <span className={styles.made}>
          sample {response.sample + 1} · seed {response.seed} · temperature {response.temperature} · {response.tokenCount} tokens · weights <code>{response.weightsFingerprint.slice(0, 8)}</code>
        </span>
      </div>
    </article>
  );
}
