/** What generation is doing: text as it is being written, or a plan that was interrupted and can go on. */
import { useMemo } from 'react';
import { stopJob } from '../../actions/engine.ts';
import { continueGeneration, dropPlan, interruptedPlan, missingOf } from '../../actions/generateResponses.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ContentShield } from '../../components/ContentShield.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { formatPlural } from '../../components/format.ts';
import { isEnded } from '../../store/mirror/jobs.ts';
import { selectActiveJob, selectLastJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './CuratePage.module.css';

/** Texts in writing that are shown at once. */
const SHOWN = 2;

export function GenerationStatus() {
  const running = useStudio((state) => {
    const job = selectLastJob(state, 'generate');
    return job && !isEnded(job) ? job : null;
  });
  return running ? <Writing jobId={running.id} /> : <Interrupted />;
}

function Writing({ jobId }: { jobId: string }) {
  const streams = useStudio((state) => state.mirror.streams);
  const prompts = useStudio((state) => state.project.prompts);
  const texts = Object.values(streams).filter((stream) => stream.jobId === jobId);
  const promptOf = useMemo(() => new Map(prompts.map((prompt) => [prompt.id, prompt.text])), [prompts]);
  return (
    <Card
      title="Being written now"
      hint={texts.length > 0 ? `${formatPlural(texts.length, 'response')} at once. Finished ones join the queue below.` : 'The first words are on their way.'}
      aside={
        <Button size="s" onClick={() => stopJob(jobId)}>
          Stop and keep
        </Button>
      }
    >
      {texts.slice(0, SHOWN).map((stream) => (
        <div key={`${stream.promptId}#${stream.sample}`} className={styles.stream}>
          <ContentShield what="response">
            <p className={styles.streamPrompt}>{promptOf.get(stream.promptId)}</p>
            <p className={styles.streamText}>{stream.text}</p>
          </ContentShield>
        </div>
      ))}
    </Card>
  );
}

function Interrupted() {
  const project = useStudio((state) => state.project);
  const pages = useStudio((state) => state.drafts.pages);
  const model = useStudio((state) => state.mirror.model);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const plan = interruptedPlan(pages);
  const missing = useMemo(() => (plan ? missingOf(plan, project).reduce((sum, entry) => sum + entry.missing, 0) : 0), [plan, project]);
  if (!plan || missing === 0 || busy) return null;
  const total = plan.promptIds.length * plan.samplesPerPrompt;
  return (
    <ErrorNote
      tone="accent"
      title="Generation was interrupted"
      actions={
        <>
          <Button size="s" variant="primary" disabled={!model} onClick={() => void continueGeneration()}>
            Generate the other {missing}
          </Button>
          <Button size="s" onClick={dropPlan}>
            Leave it
          </Button>
        </>
      }
    >
      {total - missing} of {formatPlural(total, 'response')} are here and saved.{!model && ' Load the model to go on.'}
    </ErrorNote>
  );
}
