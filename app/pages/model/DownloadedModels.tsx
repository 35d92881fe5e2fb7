/** The models in this browser's storage: load, resume, check, delete; and how much of the room they take. */
import { lazy, Suspense, useState } from 'react';
import { deleteDownload, refreshDownloads, repairDownload, sourceOfCached } from '../../actions/modelCache.ts';
import { resumeModel } from '../../actions/modelChoice.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { Card } from '../../components/Card.tsx';
import { Icon } from '../../components/Icon.tsx';
import { formatBytes, formatBytesOf } from '../../components/format.ts';
import type { CachedModel, ModelCacheView } from '../../../src/protocol/views.ts';
import styles from './chooser.module.css';

const Dialog = lazy(async () => ({ default: (await import('../../components/Dialog.tsx')).Dialog }));

export interface DownloadedModelsProps {
  cache: ModelCacheView;
  /** Fingerprint-free name of what is loaded: "owner/name". */
  loadedId: string | null;
  /** An open engine that does nothing else. */
  idle: boolean;
}

export function DownloadedModels({ cache, loadedId, idle }: DownloadedModelsProps) {
  const [leaving, setLeaving] = useState<CachedModel | null>(null);
  const [asked, setAsked] = useState(false);
  const ask = (model: CachedModel) => {
    setAsked(true);
    setLeaving(model);
  };
  const models = [...cache.models].sort((a, b) => b.lastUsedAt.localeCompare(a.lastUsedAt));
  return (
    <Card
      title="Downloaded models"
      hint={models.length === 0 ? 'None yet. They are kept in this browser and load without a network.' : 'Kept in this browser; they load without a network.'}
      aside={
        <Button size="s" variant="quiet" onClick={() => void refreshDownloads()}>
          Refresh
        </Button>
      }
    >
      <span id="downloads" className="visually-hidden" />
      {models.length > 0 && (
        <ul className={styles.models} aria-label="Downloaded models">
          {models.map((model) => (
            <Row key={model.key} model={model} loaded={model.source.kind === 'hub' && model.source.id === loadedId} idle={idle} onDelete={() => ask(model)} />
          ))}
        </ul>
      )}
      <QuotaMeter cache={cache} />
      <Suspense>
        {asked && (
          <Dialog
            open={leaving !== null}
            onClose={() => setLeaving(null)}
            title={`Delete the files of ${leaving?.name ?? 'this model'}?`}
            description={`${formatBytes(leaving?.cachedBytes ?? 0)} are removed from this browser. Runs and adapters of it stay; to use them again the model has to be downloaded once more.`}
            actions={
              <>
                <Button onClick={() => setLeaving(null)}>Keep them</Button>
                <Button
                  variant="danger"
                  onClick={() => {
                    if (leaving) void deleteDownload(leaving);
                    setLeaving(null);
                  }}
                >
                  Delete {formatBytes(leaving?.cachedBytes ?? 0)}
                </Button>
              </>
            }
          />
        )}
      </Suspense>
    </Card>
  );
}

function Row({ model, loaded, idle, onDelete }: { model: CachedModel; loaded: boolean; idle: boolean; onDelete(): void }) {
  const whole = model.state === 'complete';
  const revision = model.source.kind === 'hub' ? model.source.revision : new URL(model.source.baseUrl).host;
  return (
    <li className={styles.model}>
      <div>
        <p className={styles.modelHead}>
          {model.name}
          {loaded ? <Badge tone="safe">loaded</Badge> : whole ? <Badge>complete</Badge> : <Badge tone="partial">not finished</Badge>}
        </p>
        <p className={styles.facts}>
          {whole ? formatBytes(model.totalBytes) : formatBytesOf(model.cachedBytes, model.totalBytes)} · {revision.slice(0, 20)}
          {model.licence && ` · ${model.licence}`} · last used {new Date(model.lastUsedAt).toLocaleDateString('en-GB', { dateStyle: 'medium' })}
        </p>
      </div>
      <div className={styles.buttons}>
        <Button size="s" disabled={!idle || (loaded && whole)} aria-label={whole ? `Load ${model.name}` : `Resume the download of ${model.name}`} onClick={() => void resumeModel(sourceOfCached(model))}>
          {whole ? 'Load' : 'Resume'}
        </Button>
        {whole && (
          <Button size="s" disabled={!idle} aria-label={`Check and repair ${model.name}`} title="Hashes every file again and downloads bad ones once more" onClick={() => void repairDownload(model)}>
            Check
          </Button>
        )}
        <Button size="s" variant="quiet" disabled={!idle} icon={<Icon name="trash" size={16} />} aria-label={`Delete ${model.name}`} title="Delete its files" onClick={onDelete} />
      </div>
    </li>
  );
}

function QuotaMeter({ cache }: { cache: ModelCacheView }) {
  const { usageBytes, quotaBytes, siteUsageBytes } = cache;
  if (quotaBytes === null) return usageBytes > 0 ? <p className={styles.facts}>{formatBytes(usageBytes)} in all. This browser does not tell how much it allows.</p> : null;
  const used = siteUsageBytes ?? usageBytes;
  return (
    <div className={styles.meter}>
      <label htmlFor="quota">
        Storage of this site: {formatBytes(used)} used, {formatBytes(Math.max(0, quotaBytes - used))} free of the {formatBytes(quotaBytes)} this browser allows
        {usageBytes > 0 && `; models take ${formatBytes(usageBytes)}`}
      </label>
      <meter id="quota" min={0} max={quotaBytes} value={Math.min(used, quotaBytes)} high={quotaBytes * 0.9} />
    </div>
  );
}
