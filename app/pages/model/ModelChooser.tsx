/** Every way to a language model: the demo model first, a list of small ones, an id or address, files of one's own. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { demoModelSize, loadDemoModel, trySourceOfFiles } from '../../actions/loadModel.ts';
import { chooseModel } from '../../actions/modelChoice.ts';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { ErrorNote } from '../../components/ErrorNote.tsx';
import { FileDrop } from '../../components/FileDrop.tsx';
import { formatBytes } from '../../components/format.ts';
import { selectActiveJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import { AddressForm } from './AddressForm.tsx';
import styles from './chooser.module.css';

// The list is not needed for the first click.
const CuratedList = lazy(async () => ({ default: (await import('./CuratedList.tsx')).CuratedList }));

export function ModelChooser() {
  const model = useStudio((state) => state.mirror.model);
  const ready = useStudio((state) => state.mirror.engine.view !== null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const demoSize = useDemoSize();
  const [problem, setProblem] = useState<string | null>(null);
  const canLoad = ready && !busy;
  const take = (files: File[]) => {
    const taken = trySourceOfFiles(files);
    setProblem('failure' in taken ? taken.failure.message : null);
    if ('source' in taken) void chooseModel(taken.source);
  };
  const body = (
    <div className={styles.ways}>
      {model?.source.kind !== 'embedded' && (
        <div className={styles.demo}>
          <div>
            <h3>The demo model</h3>
            <p className={styles.quiet}>Small, made for this studio, of standard architecture. It answers most harmful requests of a mild toy world: something to improve in half a minute.</p>
          </div>
          <Button disabled={!canLoad} onClick={() => void loadDemoModel()}>
            Load the demo model{demoSize !== null && ` (${formatBytes(demoSize)})`}
          </Button>
        </div>
      )}
      <section aria-labelledby="small-models" className={styles.way}>
        <h3 id="small-models">Small models from the Hugging Face Hub</h3>
        <Suspense fallback={<p className={styles.quiet}>Opening the list…</p>}>
          <CuratedList disabled={!canLoad} />
        </Suspense>
      </section>
      <section aria-labelledby="any-model" className={styles.way}>
        <h3 id="any-model">Any other model</h3>
        <AddressForm disabled={!canLoad} />
        <FileDrop label="Or from this machine: drop a Hugging Face folder (safetensors) or a zip of it. It is read here and sent nowhere." button="Choose zip or files" folderButton="Choose folder" multiple disabled={!canLoad} onFiles={take} />
        {problem && <ErrorNote title="These files are no model">{problem}</ErrorNote>}
      </section>
    </div>
  );
  return model ? (
    <Card>
      <details className={styles.another}>
        <summary>
          <h2>Choose another model</h2>
        </summary>
        {body}
      </details>
    </Card>
  ) : (
    <Card title="Choose a model" hint="Nothing large is downloaded before you have seen what, how much and from where.">
      {body}
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
