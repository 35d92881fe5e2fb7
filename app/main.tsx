/** Composition root: stored state → engine → studio. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { spawnEngine } from '../src/client/spawnEngine.ts';
import './components/tokens.css';
import './components/base.css';
import { App } from './App.tsx';
import { connectEngine } from './actions/engine.ts';
import { reopenEngine } from './actions/openEngine.ts';
import { attachKeys } from './components/keyboard/useKey.ts';
import { openProjectDb } from './store/project/projectDb.ts';
import { studio } from './store/studio.ts';

studio.visit(location.hash);
window.addEventListener('hashchange', () => studio.visit(location.hash));
attachKeys();

const restored = studio.restore({ project: openProjectDb(), drafts: localStorage });
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
await restored;
connectEngine(spawnEngine, () => void reopenEngine());
