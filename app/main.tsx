/** Composition root: stored state → engine → studio, in one tab at a time. */
import './zodConfig.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { spawnEngine } from '../src/client/spawnEngine.ts';
import './components/tokens.css';
import './components/base.css';
import { App } from './App.tsx';
import { OtherTab } from './OtherTab.tsx';
import { closeEngine, connectEngine } from './actions/engine.ts';
import { reopenEngine } from './actions/openEngine.ts';
import { attachKeys } from './components/keyboard/useKey.ts';
import { openProjectDb } from './store/project/projectDb.ts';
import { studio } from './store/studio.ts';
import { takeTab } from './tabLock.ts';
import { followTheme } from './theme.ts';

const root = createRoot(document.getElementById('root')!);

async function open(steal: boolean): Promise<void> {
  const lost = () => {
    // The other tab owns project and runs now: nothing may be written from here any more.
    closeEngine();
    studio.detach();
    showOther();
  };
  if (!(await takeTab(steal, lost))) return showOther();
  studio.visit(location.hash);
  const restored = studio.restore({ project: openProjectDb(), drafts: localStorage });
  root.render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
  await restored;
  connectEngine(spawnEngine, () => void reopenEngine());
}

function showOther(): void {
  root.render(<OtherTab onTake={() => void open(true)} />);
}

window.addEventListener('hashchange', () => studio.visit(location.hash));
followTheme();
attachKeys();
void open(false);
