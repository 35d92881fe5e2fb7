/** The loaded language model, or the two ways to load one: the demo model, or a Hugging Face folder of one's own. */
import { useEffect, useState } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { demoModelSize, loadDemoModel, loadModelFiles } from '../../actions/loadModel.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { FileDrop } from '../../components/FileDrop.tsx';
import { formatBytes, formatCount } from '../../components/format.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { isEnded } from '../../store/mirror/jobs.ts';
import { selectActiveJob, selectLastJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './ModelPage.module.css';

export function ModelCard() {
  const model = useStudio((state) => state.mirror.model);
  const ready = useStudio((state) => state.mirror.engine.view !== null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const job = useStudio((state) => selectLastJob(state, 'loadModel'));
  const loading = job && !isEnded(job) ? job : null;
  const demoSize = useDemoSize();
  const canLoad = ready && !busy;
  return (
    <Card title="Language model" hint={model ? undefined : 'Nothing is loaded yet.'} aside={model && <Badge tone="safe">loaded</Badge>}>
      {loading && (
        <div className={styles.row}>
          <ProgressBar label={loading.progress?.phase ?? 'Loading the model'} done={loading.progress?.done ?? 0} total={loading.progress?.total ?? 0} unit={loading.progress?.unit} etaMs={loading.progress?.etaMs} />
          <Button size="s" variant="quiet" onClick={() => cancelJob(loading.id)}>
            Cancel
          </Button>
        </div>
      )}
      {!loading && job?.failure && !model && <p className={styles.failure}>{job.failure.message}</p>}
      {model && (
        <>
          <Facts
            rows={[
              ['Name', model.name],
              ['Parameters', <span key="p" title={String(model.parameterCount)}>{formatCount(model.parameterCount)}</span>],
              ['Size', formatBytes(model.sizeBytes)],
              ['Architecture', `${model.config.modelType}, ${model.config.numHiddenLayers} layers × ${model.config.hiddenSize}`],
              ['Vocabulary', formatCount(model.config.vocabSize)],
              ['Longest sequence', `${model.config.maxPositionEmbeddings} tokens`],
              ['Chat template', model.hasChatTemplate ? 'its own' : 'none: plain instructions'],
              ['Fingerprint', <code key="f" title={`sha256 of the weights: ${model.fingerprint}`}>{model.fingerprint.slice(0, 12)}</code>],
            ]}
          />
          {model.card && (
            <Disclosure summary="Model card">
              <pre className={styles.card} tabIndex={0} aria-label="Model card">{model.card}</pre>
            </Disclosure>
          )}
        </>
      )}
      {!model && !loading && (
        <div className={styles.demo}>
          <p>The demo model is a small language model of standard architecture, made for this studio. It answers most harmful requests of a mild toy world: something to improve.</p>
          <Button disabled={!canLoad} onClick={() => void loadDemoModel()}>
            Load the demo model{demoSize !== null && ` (${formatBytes(demoSize)})`}
          </Button>
        </div>
      )}
      <FileDrop label={model ? 'Or load another: drop a Hugging Face folder or a zip of it.' : 'Or your own: drop a Hugging Face folder (llama family, safetensors) or a zip of it. It stays on this machine.'} button="Choose zip or files" folderButton="Choose folder" multiple disabled={!canLoad} onFiles={(files) => void loadModelFiles(files)} />
      {model && model.name !== 'demo' && (
        <div>
          <Button size="s" variant="quiet" disabled={!canLoad} onClick={() => void loadDemoModel()}>
            Go back to the demo model
          </Button>
        </div>
      )}
    </Card>
  );
}

/** Bytes of the demo model's weights, asked of the server before anything is downloaded; null while unknown. */
function useDemoSize(): number | null {
  const [size, setSize] = useState<number | null>(null);
  useEffect(() => {
    let current = true;
    void demoModelSize().then((bytes) => current && setSize(bytes));
    return () => {
      current = false;
    };
  }, []);
  return size;
}
