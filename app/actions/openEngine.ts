/** Opens the compute backend the person chose, and after a reload the model that was loaded. */
import { studio } from '../store/studio.ts';
import type { EngineView } from '../../src/protocol/views.ts';
import { runJob } from './engine.ts';
import { loadDemoModel, reloadOwnModel } from './loadModel.ts';
import { refreshDownloads } from './modelCache.ts';
import { resumeModel } from './modelChoice.ts';

/** Opens the backend of the draft settings. A loaded model is dropped by the engine and loaded again. @returns null on failure (told by notice) */
export async function openEngine(): Promise<EngineView | null> {
  const { backend, allowSoftwareAdapter } = studio.getState().drafts.engine;
  return runJob('openEngine', { backend, allowSoftwareAdapter });
}

/** After a reload or a crash: backend first, then the model that was in use. */
export async function reopenEngine(): Promise<void> {
  void refreshDownloads();
  const opened = await openEngine();
  if (!opened) return;
  const { reopenModel, downloaded } = studio.getState().drafts.engine;
  if (reopenModel === 'demo') await loadDemoModel();
  if (reopenModel === 'files') await reloadOwnModel();
  if (reopenModel === 'downloaded' && downloaded) await resumeModel(downloaded);
}
