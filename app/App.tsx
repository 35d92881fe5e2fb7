/** The shell: navigation, the page of the route, the job bar, and what belongs to every page (theme, shield, keys, notices). */
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import type { ComponentType } from 'react';
import { redo, undo } from './actions/history.ts';
import { navigate } from './actions/navigate.ts';
import { ShieldContext } from './components/ContentShield.tsx';
import { keyRegistry, useKey } from './components/keyboard/useKey.ts';
import styles from './App.module.css';
import { DemoBar } from './DemoBar.tsx';
import { ErrorBoundary } from './ErrorBoundary.tsx';
import { JobBar } from './JobBar.tsx';
import { Navigation } from './Navigation.tsx';
import { ModelPage } from './pages/model/ModelPage.tsx';
import { selectActiveJob } from './store/stations.ts';
import { STATIONS } from './store/route.ts';
import type { Station } from './store/route.ts';
import { studio } from './store/studio.ts';
import { useStudio } from './store/useStudio.ts';

// Only what the first page shows is fetched before the first interaction (bench/firstLoad.ts counts it): the rest comes when it is asked for.
const PromptsPage = lazy(async () => ({ default: (await import('./pages/prompts/PromptsPage.tsx')).PromptsPage }));
const CuratePage = lazy(async () => ({ default: (await import('./pages/curate/CuratePage.tsx')).CuratePage }));
const TrainPage = lazy(async () => ({ default: (await import('./pages/train/TrainPage.tsx')).TrainPage }));
const EvaluatePage = lazy(async () => ({ default: (await import('./pages/evaluate/EvaluatePage.tsx')).EvaluatePage }));
const RunsPage = lazy(async () => ({ default: (await import('./pages/runs/RunsPage.tsx')).RunsPage }));
const ExportPage = lazy(async () => ({ default: (await import('./pages/export/ExportPage.tsx')).ExportPage }));
const SettingsDialog = lazy(async () => ({ default: (await import('./SettingsDialog.tsx')).SettingsDialog }));
const ShortcutsDialog = lazy(async () => ({ default: (await import('./ShortcutsDialog.tsx')).ShortcutsDialog }));
const Toasts = lazy(async () => ({ default: (await import('./components/Toasts.tsx')).Toasts }));

const PAGES: Record<Station, ComponentType> = { model: ModelPage, prompts: PromptsPage, curate: CuratePage, train: TrainPage, evaluate: EvaluatePage, runs: RunsPage, export: ExportPage };
const TITLES: Record<Station, string> = { model: 'Model', prompts: 'Prompts', curate: 'Curate', train: 'Train', evaluate: 'Evaluate', runs: 'Runs', export: 'Export' };

export function App() {
  const station = useStudio((state) => state.route.station);
  const restored = useStudio((state) => state.restored);
  const notices = useStudio((state) => state.notices);
  const preferences = useStudio((state) => state.drafts.preferences);
  const busy = useStudio((state) => selectActiveJob(state) !== null);
  const [dialog, setDialog] = useState<'settings' | 'shortcuts' | null>(null);
  const dialogs = useSeen(dialog);
  const noticed = useSeen(notices.length > 0);
  const [peeking, setPeeking] = useState(false);
  const [spoken, setSpoken] = useState('');

  useStationChange(station);
  useEffect(() => keyRegistry.setOverrides(preferences.keys), [preferences.keys]);
  useLeaveGuard(busy);

  const undoNow = useCallback(() => setSpoken(spokenStep('Undone', undo())), []);
  const redoNow = useCallback(() => setSpoken(spokenStep('Done again', redo())), []);
  useKey('undo', undoNow);
  useKey('redo', redoNow);
  useKey('shortcuts', () => setDialog('shortcuts'));
  useKey('peek', setPeeking);
  useKey('goModel', () => navigate('model'));
  useKey('goPrompts', () => navigate('prompts'));
  useKey('goCurate', () => navigate('curate'));
  useKey('goTrain', () => navigate('train'));
  useKey('goEvaluate', () => navigate('evaluate'));
  useKey('goRuns', () => navigate('runs'));
  useKey('goExport', () => navigate('export'));

  const shield = useMemo(() => ({ on: preferences.shield, presenter: preferences.presenter, peeking }), [preferences.shield, preferences.presenter, peeking]);
  const toasts = useMemo(
    () => notices.map(({ offersUndo, ...notice }) => ({ ...notice, action: offersUndo ? { label: 'Undo', run: undoNow } : undefined })),
    [notices, undoNow],
  );
  const Page = PAGES[station];

  return (
    <ShieldContext value={shield}>
      <a className={styles.skip} href="#page-title" onClick={focusPage}>
        Skip to the page
      </a>
      <div className={styles.shell}>
        <Navigation onUndo={undoNow} onRedo={redoNow} onSettings={() => setDialog('settings')} onShortcuts={() => setDialog('shortcuts')} />
        <div className={styles.column}>
          <DemoBar />
          <main className={styles.main} id="page">
            <ErrorBoundary key={station}>
              <Suspense fallback={<p>Opening {TITLES[station]}…</p>}>{restored ? <Page /> : <p>Reading your project…</p>}</Suspense>
            </ErrorBoundary>
          </main>
          <JobBar />
        </div>
      </div>
      <div className="visually-hidden" role="status">
        {spoken}
      </div>
      <Suspense>{dialogs.has('settings') && <SettingsDialog open={dialog === 'settings'} onClose={() => setDialog(null)} />}</Suspense>
      <Suspense>{dialogs.has('shortcuts') && <ShortcutsDialog open={dialog === 'shortcuts'} onClose={() => setDialog(null)} />}</Suspense>
      <Suspense>{noticed.has(true) && <Toasts items={toasts} onClose={studio.dismiss} />}</Suspense>
    </ShieldContext>
  );
}

/** Every value it was called with: what was shown once stays mounted, so that it can close in its own time. */
function useSeen<T>(value: T): ReadonlySet<T> {
  const [seen, setSeen] = useState<ReadonlySet<T>>(new Set([value]));
  if (!seen.has(value)) setSeen(new Set([...seen, value]));
  return seen;
}

function spokenStep(what: string, title: string | null): string {
  return title === null ? `Nothing left here.` : `${what}: ${title}`;
}

function focusPage(event: { preventDefault(): void }) {
  // The hash is the route: move the focus without changing it.
  event.preventDefault();
  document.getElementById('page-title')?.focus();
}

/** Title of the tab, focus on the new page's heading, scroll to its top: what a page load would do. */
function useStationChange(station: Station): void {
  const [first] = useState({ pending: true });
  useEffect(() => {
    document.title = `${TITLES[station]} – Sidestep`;
    if (!STATIONS.includes(station)) return;
    if (first.pending) {
      first.pending = false;
      return;
    }
    window.scrollTo(0, 0);
    return focusHeading();
  }, [station, first]);
}

/** Focuses the page's heading as soon as there is one: a page in a chunk of its own may take a moment. @returns gives up */
function focusHeading(): () => void {
  let frame = 0;
  let tries = 120;
  const attempt = () => {
    const heading = document.getElementById('page-title');
    if (heading) heading.focus({ preventScroll: true });
    else if ((tries -= 1) > 0) frame = requestAnimationFrame(attempt);
  };
  attempt();
  return () => cancelAnimationFrame(frame);
}

/** Asks before the tab is closed in the middle of a job. */
function useLeaveGuard(busy: boolean): void {
  useEffect(() => {
    if (!busy) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [busy]);
}
