/** Small language models chosen by hand: size, licence, what each is good for, and whether it can fit here. */
import { useState } from 'react';
import { chooseModel } from '../../actions/modelChoice.ts';
import { Badge } from '../../components/Badge.tsx';
import { Button } from '../../components/Button.tsx';
import { FitBadge } from '../../components/FitView.tsx';
import { formatBytes, formatCount } from '../../components/format.ts';
import { CURATED_MODELS, type CuratedModel } from '../../../src/config/curatedModels.ts';
import { roughFit } from '../../store/roughFit.ts';
import { useStudio } from '../../store/useStudio.ts';
import styles from './chooser.module.css';

/** To train an adapter. */
const ROUGH = { fits: 'Fits with the default settings.', tight: 'Needs smaller settings or a GPU with much memory.', wontFit: 'Needs more memory than there is here.' };

/** Shown at first; the list begins with the ones to try first. */
const FIRST = 4;

export function CuratedList({ disabled }: { disabled: boolean }) {
  const [all, setAll] = useState(false);
  return (
    <>
      <ul className={styles.models}>
        {CURATED_MODELS.slice(0, all ? undefined : FIRST).map((model) => (
          <Row key={model.id} model={model} disabled={disabled} />
        ))}
      </ul>
      {!all && CURATED_MODELS.length > FIRST && (
        <div>
          <Button size="s" onClick={() => setAll(true)}>
            Show all {CURATED_MODELS.length}
          </Button>
        </div>
      )}
    </>
  );
}

function Row({ model, disabled }: { model: CuratedModel; disabled: boolean }) {
  const engine = useStudio((state) => state.mirror.engine.view);
  const cached = useStudio((state) => state.mirror.cache?.models.find(({ source, state: whole }) => source.kind === 'hub' && source.id === model.id && whole === 'complete') !== undefined);
  return (
    <li className={styles.model}>
      <div>
        <p className={styles.modelHead}>
          {model.name}
          {engine && <FitBadge verdict={roughFit(model.downloadBytes, engine)} title={`${ROUGH[roughFit(model.downloadBytes, engine)]} By its size alone: choosing it shows a closer look before anything large is downloaded.`} />}
          {model.gated && <Badge title="The Hub asks for accepted terms and an access token">gated</Badge>}
          {cached && <Badge tone="accent">downloaded</Badge>}
        </p>
        <p className={styles.facts}>
          {formatCount(model.parameters)} parameters · {formatBytes(model.downloadBytes)} · {model.licence}
        </p>
        <p className={styles.quiet}>{model.goodFor}</p>
      </div>
      <Button size="s" disabled={disabled} aria-label={`Choose ${model.name}`} onClick={() => void chooseModel({ kind: 'hub', id: model.id, revision: model.revision })}>
        Choose
      </Button>
    </li>
  );
}
