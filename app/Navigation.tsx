/** The seven stations with how far each is, the engine, undo and redo, settings. A rail on wide screens, bars on narrow ones. */
import { Badge } from './components/Badge.tsx';
import { Button } from './components/Button.tsx';
import { cx } from './components/cx.ts';
import { Icon } from './components/Icon.tsx';
import styles from './App.module.css';
import { LedgerLine } from './LedgerLine.tsx';
import { markOf } from './store/stations.ts';
import type { StationMark } from './store/stations.ts';
import { STATIONS, toHash } from './store/route.ts';
import type { Station } from './store/route.ts';
import { useStudio, useStudioParts } from './store/useStudio.ts';

const NAMES: Record<Station, string> = { model: 'Model', prompts: 'Prompts', curate: 'Curate', train: 'Train', evaluate: 'Evaluate', runs: 'Runs', export: 'Export' };
const SPOKEN: Record<StationMark['state'], string> = { empty: '', some: ', begun', done: ', ready', busy: ', working' };

export interface NavigationProps {
  onUndo(): void;
  onRedo(): void;
  onSettings(): void;
  onShortcuts(): void;
}

export function Navigation({ onUndo, onRedo, onSettings, onShortcuts }: NavigationProps) {
  const undoTitle = useStudio((state) => state.history.done.at(-1)?.title ?? null);
  const redoTitle = useStudio((state) => state.history.undone.at(-1)?.title ?? null);
  const storageFailure = useStudio((state) => state.storageFailure);
  return (
    <header className={styles.rail}>
      <div className={styles.brand}>
        <svg width="26" height="26" viewBox="0 0 24 24" aria-hidden="true">
          <rect width="24" height="24" rx="6" fill="var(--accent)" />
          <path d="M4 16h5c4 0 2-8 6-8h5" fill="none" stroke="var(--on-accent)" strokeWidth="2.4" strokeLinecap="round" />
        </svg>
        <span>Sidestep</span>
      </div>
      <nav className={styles.stations} aria-label="Stations">
        <ol>
          {STATIONS.map((station) => (
            <StationLink key={station} station={station} />
          ))}
        </ol>
      </nav>
      <div className={styles.tools}>
        <EngineChip />
        <div className={styles.toolRow}>
          <Button variant="quiet" size="s" icon={<Icon name="undo" />} aria-label={undoTitle ? `Undo: ${undoTitle}` : 'Undo'} title={undoTitle ? `Undo: ${undoTitle}` : 'Nothing to undo'} disabled={!undoTitle} onClick={onUndo} />
          <Button variant="quiet" size="s" icon={<Icon name="redo" />} aria-label={redoTitle ? `Redo: ${redoTitle}` : 'Redo'} title={redoTitle ? `Redo: ${redoTitle}` : 'Nothing to redo'} disabled={!redoTitle} onClick={onRedo} />
          <Button className={styles.wideOnly} variant="quiet" size="s" icon={<Icon name="keyboard" />} aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick={onShortcuts} />
          <Button variant="quiet" size="s" icon={<Icon name="gear" />} aria-label="Settings" title="Settings: theme, blurring, your data" onClick={onSettings} />
        </div>
        {storageFailure && <Badge tone="unsafe" title={storageFailure}>Not saved</Badge>}
      </div>
      <div className={styles.ledgerPlace}>
        <LedgerLine />
      </div>
    </header>
  );
}

function StationLink({ station }: { station: Station }) {
  const current = useStudio((state) => state.route.station === station);
  const mark = useStudioParts((state) => markOf(state, station));
  return (
    <li>
      <a href={toHash(station)} className={cx(styles.station, current && styles.current)} aria-current={current ? 'page' : undefined}>
        <Icon name={station} size={20} />
        <span className={styles.stationName}>
          {NAMES[station]}
          <span className="visually-hidden">
            {SPOKEN[mark.state]}
            {mark.text && `, ${mark.text}`}
          </span>
        </span>
        <span className={cx(styles.mark, styles[mark.state])} aria-hidden="true">
          {mark.text || (mark.state === 'done' ? <Icon name="check" size={14} /> : null)}
        </span>
      </a>
    </li>
  );
}

function EngineChip() {
  const engine = useStudio((state) => state.mirror.engine);
  const view = engine.view;
  const name = view ? (view.backend === 'webgpu' ? 'WebGPU' : 'WASM (CPU)') : engine.status === 'ready' ? 'No backend yet' : engine.status === 'crashed' ? 'Engine stopped' : 'Engine starting…';
  const tone = !view ? styles.idle : view.backend === 'webgpu' && !view.adapter?.isSoftware ? styles.good : styles.fair;
  return (
    <a href={toHash('model')} className={styles.engineChip} title={view?.reason ?? engine.lostReason ?? undefined}>
      <span className={cx(styles.dot, tone)} aria-hidden="true" />
      <span className="visually-hidden">Engine: </span>
      {name}
      {view?.adapter?.isSoftware && ' (software)'}
    </a>
  );
}
