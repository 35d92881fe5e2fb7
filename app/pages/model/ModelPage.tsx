/** The station Model: what this is, which engine runs it, which language model is loaded. */
import { navigate } from '../../actions/navigate.ts';
import { runWholeDemo } from '../../actions/runWholeDemo.ts';
import { Button } from '../../components/Button.tsx';
import { Icon } from '../../components/Icon.tsx';
import { PageHeader } from '../../components/PageHeader.tsx';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { BrowserNotice } from './BrowserNotice.tsx';
import { EngineCard } from './EngineCard.tsx';
import { ModelCard } from './ModelCard.tsx';
import styles from './ModelPage.module.css';

export function ModelPage() {
  const loaded = useStudio((state) => state.mirror.model !== null);
  const ready = useStudio((state) => state.mirror.engine.view !== null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
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
      <div className={styles.grid}>
        <ModelCard />
        <EngineCard />
      </div>
      <section className={styles.steps} aria-label="How it goes">
        <h2>How it goes</h2>
        <ol>
          <li><strong>Prompts.</strong> Requests of three kinds: harmful ones, harmless ones that only sound harmful, and everyday tasks.</li>
          <li><strong>Curate.</strong> The model answers the harmful ones; you mark which answers are unsafe, one key each.</li>
          <li><strong>Train.</strong> The semantic loss moves the model away from the meaning of those answers, while benign answers hold it in place.</li>
          <li><strong>Evaluate.</strong> Safety, over-refusal and helpfulness before and after, on prompts it never saw, with 95 % intervals.</li>
          <li><strong>Export.</strong> The tuned model as a Hugging Face folder, your labels as data sets, and a report.</li>
        </ol>
      </section>
    </>
  );
}
