/** Forgets all of the person's work in this browser: project, settings, runs, models. Cannot be undone, so the caller asks first. */
import { studio } from '../store/studio.ts';
import { runJob } from './engine.ts';
import { clearModelFolder } from './modelFolderStore.ts';

/** Reloads the page at the end: nothing in memory outlives the deletion. */
export async function deleteEverything(): Promise<void> {
  const { mirror } = studio.getState();
  for (const runId of mirror.runs.order) await runJob('deleteRun', { runId });
  for (const { key } of mirror.cache?.models ?? []) await runJob('deleteModel', { key });
  await clearModelFolder();
  await studio.clear();
  location.hash = '';
  location.reload();
}
