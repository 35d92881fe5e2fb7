/** The loaded language model: what it is, its card, its chat template. While one is being loaded: the one progress bar of it. */
import { lazy, Suspense, useState } from 'react';
import { cancelJob } from '../../actions/engine.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { Disclosure } from '../../components/Disclosure.tsx';
import { formatBytes, formatCount, formatPlural } from '../../components/format.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import type { ModelView } from '../../../src/protocol/views.ts';
import { isEnded } from '../../store/mirror/jobs.ts';
import type { JobView } from '../../store/mirror/mirror.ts';
import { selectLastJob } from '../../store/stations.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './ModelPage.module.css';

const TemplateDialog = lazy(async () => ({ default: (await import('./TemplateDialog.tsx')).TemplateDialog }));

const ORIGINS: Record<ModelView['chatTemplate']['origin'], string> = { model: 'its own', instruction: 'plain instructions', edited: 'yours' };
const STORAGES: Record<ModelView['storage'], string> = { f32: '32 bits', f16: '16 bits (F16), as in the file', bf16: '16 bits (BF16), as in the file' };

export function ModelCard({ name }: { name: string | null }) {
  const model = useStudio((state) => state.mirror.model);
  const job = useStudio((state) => selectLastJob(state, 'loadModel'));
  const loading = job && !isEnded(job) ? job : null;
  if (!model && !loading) return null;
  return (
    <Card title="Language model" aside={model && !loading && <Badge tone="safe">loaded</Badge>}>
      {loading && <Loading job={loading} name={name} />}
      {model && <Loaded model={model} />}
    </Card>
  );
}

function Loading({ job, name }: { job: JobView; name: string | null }) {
  const { progress } = job;
  const phase = progress?.phase ?? 'starting';
  return (
    <div className={styles.row}>
      <ProgressBar
        label={name ? `${name}: ${phase}` : phase}
        done={progress?.done ?? 0}
        total={progress?.total ?? 0}
        unit={progress?.unit}
        etaMs={progress?.etaMs}
        bytesPerSecond={progress?.bytesPerSecond}
      />
      <Button size="s" onClick={() => cancelJob(job.id)}>
        Cancel
      </Button>
    </div>
  );
}

function Loaded({ model }: { model: ModelView }) {
  const [editing, setEditing] = useState(false);
  const [asked, setAsked] = useState(false);
  const { config, source } = model;
  return (
    <>
      <Facts
        rows={[
          ['Name', model.name],
          source.kind === 'hub' && ['From the Hub', <span key="h" title={source.commit}>{source.revision.slice(0, 20)}{source.commit.startsWith(source.revision) ? '' : `, commit ${source.commit.slice(0, 7)}`}</span>],
          source.kind === 'url' && ['From', new URL(source.baseUrl).host],
          source.kind === 'files' && ['From', 'your files'],
          ['Parameters', <span key="p" title={String(model.parameterCount)}>{formatCount(model.parameterCount)}</span>],
          ['Size', formatBytes(model.sizeBytes)],
          ['Architecture', `${config.modelType}, ${formatPlural(config.numHiddenLayers, 'layer')} × ${config.hiddenSize}`],
          ['Vocabulary', formatCount(config.vocabSize)],
          ['Longest sequence', `${config.maxPositionEmbeddings} tokens`],
          ['On the device', STORAGES[model.storage]],
          ['Fingerprint', <code key="f" title={`sha256 of the weights: ${model.fingerprint}`}>{model.fingerprint.slice(0, 12)}</code>],
        ]}
      />
      {model.notice && <p className={styles.muted}>{model.notice}</p>}
      <div className={styles.template}>
        <span>
          Chat template: <Badge tone={model.chatTemplate.origin === 'edited' ? 'accent' : 'neutral'}>{ORIGINS[model.chatTemplate.origin]}</Badge>
        </span>
        <Button
          size="s"
          onClick={() => {
            setAsked(true);
            setEditing(true);
          }}
        >
          Chat template…
        </Button>
      </div>
      {model.card && (
        <Disclosure summary="Model card">
          <pre className={styles.card} tabIndex={0} aria-label="Model card">{model.card}</pre>
        </Disclosure>
      )}
      <Suspense>{asked && <TemplateDialog key={model.id} model={model} open={editing} onClose={() => setEditing(false)} />}</Suspense>
    </>
  );
}
