/** Where the choice of a model stands, below the header: looking, what went wrong and what to do, a download that stopped. */
import { useEffect, useRef } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { hubEndpoint } from '../../actions/hubAccess.ts';
import { leaveModel, resumeModel, retryModel, type ModelChoice } from '../../actions/modelChoice.ts';
import { sourceOfCached } from '../../actions/modelCache.ts';
import { Button } from '../../components/Button.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { formatBytesOf } from '../../components/format.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { nameOfSource } from '../../store/modelAddress.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { adviceFor } from './choiceAdvice.ts';
import { TokenField } from './HubAccessFields.tsx';
import styles from './chooser.module.css';

export function ChoiceStatus({ choice }: { choice: ModelChoice }) {
  if (choice.status === 'looking')
    return (
      <section className={styles.looking} aria-label="Looking at the model">
        <ProgressBar label={`Looking at ${nameOfSource(choice.source)}`} done={0} total={0} compact />
        <Button
          size="s"
          variant="quiet"
          onClick={() => {
            cancelJob(choice.jobId);
            leaveModel();
          }}
        >
          Cancel
        </Button>
      </section>
    );
  if (choice.status === 'failed') return <Failed choice={choice} />;
  return choice.status === 'none' ? <Stopped /> : null;
}

function Failed({ choice }: { choice: Extract<ModelChoice, { status: 'failed' }> }) {
  const { source, failure } = choice;
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const advice = adviceFor(failure, source, navigator.onLine, hubEndpoint());
  const place = useRef<HTMLDivElement>(null);
  // What was asked for further down is answered here.
  useEffect(() => void place.current?.scrollIntoView({ block: 'center' }), []);
  return (
    <div ref={place}>
      <ErrorNote
        title={advice.title}
        actions={
          <>
            {advice.retry && (
              <Button size="s" disabled={busy} onClick={() => void retryModel()}>
                {advice.wantsToken ? 'Try again with this token' : 'Try again'}
              </Button>
            )}
            <Button size="s" variant="quiet" onClick={leaveModel}>
              Dismiss
            </Button>
          </>
        }
      >
        <p>{failure.message}</p>
        {advice.steps.length > 0 && (
          <ul>
            {advice.steps.map((step) => (
              <li key={step.text}>
                {step.text} {step.href && <a href={step.href} {...(step.href.startsWith('#') ? {} : { target: '_blank', rel: 'noreferrer' })}>{step.link}</a>}
              </li>
            ))}
          </ul>
        )}
        {advice.wantsToken && (
          <div className={styles.token}>
            <TokenField onEnter={() => void retryModel()} />
          </div>
        )}
      </ErrorNote>
    </div>
  );
}

/** The newest download that is not whole. */
function Stopped() {
  const partial = useStudio((state) => state.mirror.cache?.models.filter((model) => model.state === 'partial').sort((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt))[0] ?? null);
  const ready = useStudio((state) => state.mirror.engine.view !== null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  if (!partial) return null;
  return (
    <ErrorNote
      tone="accent"
      title={`The download of ${partial.name} is not finished`}
      actions={
        <Button size="s" disabled={!ready || busy} onClick={() => void resumeModel(sourceOfCached(partial))}>
          Resume download ({formatBytesOf(partial.cachedBytes, partial.totalBytes)})
        </Button>
      }
    >
      What has arrived is kept. It can also be deleted under “Downloaded models”.
    </ErrorNote>
  );
}
