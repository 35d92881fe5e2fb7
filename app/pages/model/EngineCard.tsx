/** Which compute backend runs, why this one, and how to choose another. */
import { cancelJob } from '../../actions/engine.ts';
import { openEngine, reopenEngine } from '../../actions/openEngine.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card, Facts } from '../../components/Card.tsx';
import { formatBytes, formatDuration } from '../../components/format.ts';
import { ProgressBar } from '../../components/ProgressBar.tsx';
import { SelectField } from '../../components/SelectField.tsx';
import { SwitchField } from '../../components/SwitchField.tsx';
import { isEnded } from '../../store/mirror/jobs.ts';
import { selectActiveJob, selectLastJob } from '../../store/stations.ts';
import { studio } from '../../store/studio.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './ModelPage.module.css';

const BACKENDS = [
  { value: 'auto', label: 'Automatic: hardware GPU, else CPU' },
  { value: 'webgpu', label: 'WebGPU' },
  { value: 'wasm', label: 'WASM (CPU)' },
] as const;

export function EngineCard() {
  const engine = useStudio((state) => state.mirror.engine);
  const draft = useStudio((state) => state.drafts.engine);
  const opening = useStudio((state) => {
    const job = selectLastJob(state, 'openEngine');
    return job && !isEnded(job) ? job : null;
  });
  const failure = useStudio((state) => selectLastJob(state, 'openEngine')?.failure ?? null);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const { view } = engine;
  const software = view?.adapter?.isSoftware ?? false;
  return (
    <Card
      title="Engine"
      hint={view?.reason ?? (engine.status === 'starting' ? 'The worker is starting.' : undefined)}
      aside={view && <Badge tone={view.backend === 'webgpu' && !software ? 'safe' : 'partial'}>{view.backend === 'webgpu' ? (software ? 'WebGPU, software' : 'WebGPU') : 'WASM (CPU)'}</Badge>}
    >
      {opening && (
        <div className={styles.row}>
          <ProgressBar label={opening.progress?.phase ?? 'Opening the engine'} done={opening.progress?.done ?? 0} total={opening.progress?.total ?? 0} unit={opening.progress?.unit} etaMs={opening.progress?.etaMs} />
          <Button size="s" variant="quiet" onClick={() => cancelJob(opening.id)}>
            Cancel
          </Button>
        </div>
      )}
      {!view && !opening && failure && <p className={styles.failure}>{failure.message}</p>}
      {view && (
        <Facts
          rows={[
            view.adapter && ['Adapter', [view.adapter.vendor, view.adapter.architecture, view.adapter.description].filter(Boolean).join(' · ') || 'not named by the browser'],
            ['One real training step', `${formatDuration(view.preflightMs)} (measured)`],
            view.maxBufferSizeBytes !== null && ['Largest buffer', formatBytes(view.maxBufferSizeBytes)],
            engine.storage && ['Runs are kept in', engine.storage === 'opfs' ? 'this browser' : engine.storage === 'memory' ? 'memory, until the tab closes' : 'a folder'],
          ]}
        />
      )}
      {engine.storageNotice && <p className={styles.muted}>{engine.storageNotice}</p>}
      {view && view.rejected.length > 0 && (
        <ul className={styles.rejected}>
          {view.rejected.map((entry) => (
            <li key={entry.backend}>
              {entry.backend === 'webgpu' ? 'WebGPU' : 'WASM'} was tried first: {entry.reason}
            </li>
          ))}
        </ul>
      )}
      <div className={styles.override}>
        <SelectField label="Backend" value={draft.backend} onChange={(backend) => studio.edit('engine', { backend })} options={BACKENDS} />
        <SwitchField label="Allow a software adapter" hint="A GPU imitated by the CPU: for tests, usually slower than WASM." checked={draft.allowSoftwareAdapter} onChange={(allowSoftwareAdapter) => studio.edit('engine', { allowSoftwareAdapter })} />
        <div>
          <Button size="s" disabled={busy || engine.status === 'starting'} onClick={() => void (draft.reopenModel === 'none' ? openEngine() : reopenEngine())}>
            {view ? 'Reopen engine' : 'Open engine'}
          </Button>
        </div>
      </div>
    </Card>
  );
}
