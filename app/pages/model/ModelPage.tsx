/** The station Model: what this is, which engine runs it, which language model is loaded, and every way to another one. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { navigate } from '../../actions/navigate.ts';
import type { ModelChoice } from '../../actions/modelChoice.ts';
import { runWholeDemo } from '../../actions/runWholeDemo.ts';
import { Button } from '../../components/Button.tsx';
import { Icon } from '../../components/Icon.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { nameOfSource } from '../../store/modelAddress.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { BrowserNotice } from './BrowserNotice.tsx';
import { ChoiceStatus } from './ChoiceStatus.tsx';
import { EngineCard } from './EngineCard.tsx';
import { ModelCard } from './ModelCard.tsx';
import { ModelChooser } from './ModelChooser.tsx';
import styles from './ModelPage.module.css';
import { useModelChoice } from './useModelChoice.ts';

const ConsentDialog = lazy(async () => ({ default: (await import('./ConsentDialog.tsx')).ConsentDialog }));
const DownloadedModels = lazy(async () => ({ default: (await import('./DownloadedModels.tsx')).DownloadedModels }));

export function ModelPage() {
  const model = useStudio((state) => state.mirror.model);
  const ready = useStudio((state) => state.mirror.engine.view !== null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const cache = useStudio((state) => state.mirror.cache);
  const toDownloads = useStudio((state) => state.route.path[0] === 'downloads');
  const choice = useModelChoice();
  const asked = useLastQuestion(choice);
  const loaded = model !== null;
  useEffect(() => {
    if (toDownloads) document.getElementById('downloads')?.scrollIntoView({ block: 'start' });
  }, [toDownloads]);
  return (
    <>
      <PageHeader title="Model" lead="Sidestep teaches a small language model to refuse harmful requests and stay helpful with all others: in this tab, on your GPU, guided by your labels. Nothing is uploaded.">
        <Button variant={loaded ? 'secondary' : 'primary'} icon={<Icon name="play" size={16} />} disabled={!ready || busy} title={ready ? 'Loads, generates, labels by suggestion, trains and compares, all by itself' : 'Waiting for the engine'} onClick={() => void runWholeDemo()}>
          Run the whole demo
        </Button>
        {loaded && (
          <Button variant="primary" onClick={() => navigate('prompts')}>
            Next: Prompts
          </Button>
        )}
      </PageHeader>
      <BrowserNotice />
      <ChoiceStatus choice={choice} />
      <div className={styles.grid}>
        <div className={styles.models}>
          <ModelCard name={choice.status === 'loading' ? nameOfSource(choice.source) : null} />
          <ModelChooser />
          <Suspense>{cache !== null && <DownloadedModels cache={cache} loadedId={model?.source.kind === 'hub' ? model.source.id : null} idle={ready && !busy} />}</Suspense>
        </div>
        <EngineCard />
      </div>
      <section className={styles.steps} aria-label="How it goes">
        <h2>How it goes</h2>
        <ol>
          <li><strong>Prompts.</strong> Requests of three kinds: harmful ones, harmless ones that only sound harmful, and everyday tasks.</li>
          <li><strong>Curate.</strong> The model answers the harmful ones; you mark which answers are unsafe, one key each.</li>
          <li><strong>Train.</strong> The semantic loss moves the model away from the meaning of those answers, while benign answers hold it in place.</li>
          <li><strong>Evaluate.</strong> Safety, over-refusal and helpfulness before and after, on prompts it never saw, with 95 % intervals.</li>
          <li><strong>Export.</strong> The tuned model as a Hugging Face folder or its adapter, your labels as data sets, and a report.</li>
        </ol>
      </section>
      <Suspense>{asked && <ConsentDialog open={choice.status === 'asking'} source={asked.source} inspection={asked.inspection} />}</Suspense>
    </>
  );
}

/** The last question, kept while its dialog closes. */
function useLastQuestion(choice: ModelChoice): Extract<ModelChoice, { status: 'asking' }> | null {
  const [last, setLast] = useState<Extract<ModelChoice, { status: 'asking' }> | null>(null);
  if (choice.status === 'asking' && choice !== last) setLast(choice);
  return choice.status === 'asking' ? choice : last;
}
