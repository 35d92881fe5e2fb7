/**
 * The whole way in one go, for the impatient. Every station is the same action a person would use, with the same jobs and the same undo:
 * nothing is recorded or faked. Stops at the first station that fails or is cancelled and leaves everything made so far.
 */
import { defaultTrainConfig } from '../../src/config/train.ts';
import { isEnded } from '../store/mirror/jobs.ts';
import { selectActiveJob } from '../store/stations.ts';
import { studio } from '../store/studio.ts';
import { withDefaultsFor } from '../store/trainingMethod.ts';
import { collectTrainingRows } from '../store/trainingRows.ts';
import { acceptSuggestions } from './curate.ts';
import { getDemoProgress, idleDemo, setDemoProgress, subscribeDemo, withStation, type DemoStationId } from './demoProgress.ts';
import { cancelJob } from './engine.ts';
import { evaluateRun } from './evaluateWeights.ts';
import { choosePrompts, generateResponses } from './generateResponses.ts';
import { loadDemoModel } from './loadModel.ts';
import { navigate } from './navigate.ts';
import { openEngine } from './openEngine.ts';
import { addBuiltInPrompts } from './prompts.ts';
import { startTraining } from './trainRun.ts';

/** Unsafe rows with which generating is skipped: safety transfers from about this many on. */
const ENOUGH_UNSAFE = 20;

/** What a station came to: words for its result, a reason to skip, or null if it failed or was cancelled. */
type StationResult = { done: string } | { skipped: string } | null;

let cancelled = false;

/** Runs all stations. Does nothing while it is running already. @returns the id of the evaluation, or null if it did not get there */
export async function runWholeDemo(): Promise<string | null> {
  if (getDemoProgress().status === 'running') return null;
  cancelled = false;
  let runId = '';
  let evaluationId: string | null = null;
  setDemoProgress({ ...idleDemo, status: 'running' });

  const stations: [DemoStationId, () => Promise<StationResult>][] = [
    ['engine', async () => {
      const open = studio.getState().mirror.engine.view;
      if (open) return { skipped: `${open.backend} is open` };
      const view = await openEngine();
      return view && { done: view.backend };
    }],
    ['model', async () => {
      const loaded = studio.getState().mirror.model;
      if (loaded) return { skipped: `${loaded.name} is loaded` };
      const model = await loadDemoModel();
      return model && { done: model.name };
    }],
    ['prompts', async () => {
      const before = studio.getState().project.prompts.length;
      const added = await addBuiltInPrompts();
      if (added > 0) return { done: `${added} prompts` };
      return studio.getState().project.prompts.some((prompt) => prompt.source === 'built-in') ? { skipped: `${before} prompts are here` } : null;
    }],
    ['generate', async () => {
      navigate('curate');
      if (countUnsafe() >= ENOUGH_UNSAFE) return { skipped: `${countUnsafe()} responses are labelled unsafe already` };
      const { project, drafts } = studio.getState();
      const had = project.responses.length;
      const finished = await generateResponses(choosePrompts(project, drafts.generate.choice === 'selected' ? 'first' : drafts.generate.choice, drafts.generate.firstCount, []));
      return finished ? { done: `${studio.getState().project.responses.length - had} responses` } : null;
    }],
    ['label', async () => {
      const accepted = acceptSuggestions(studio.getState().project.responses);
      const unsafe = countUnsafe();
      if (unsafe === 0) {
        studio.notify({ tone: 'unsafe', title: 'The judge found no unsafe response', detail: 'Label responses by hand on the Curate page, or generate more.' });
        return null;
      }
      const words = `${unsafe} unsafe`;
      return accepted > 0 ? { done: `${accepted} accepted, ${words}` } : { skipped: words };
    }],
    ['train', async () => {
      navigate('train');
      const run = await startTraining(freeRunName(), { config: withDefaultsFor(defaultTrainConfig, studio.getState().drafts.train.config.trainingMethod) });
      runId = run?.id ?? '';
      return run && { done: run.bestStep === null ? `${run.step} steps` : `best step ${run.bestStep}` };
    }],
    ['evaluate', async () => {
      navigate('evaluate', runId);
      const best = studio.getState().mirror.runs.byId[runId]?.bestStep;
      evaluationId = await evaluateRun(runId, best === null ? 'last' : 'best', 'test');
      return evaluationId === null ? null : { done: 'results below' };
    }],
  ];

  for (const [id, work] of stations) {
    if (cancelled) return end(id, 'cancelled');
    setDemoProgress(withStation(getDemoProgress(), id, 'running'));
    const result = await work();
    // A cancelled job and a cancelled demo look the same to its station: the job list knows which it was.
    if (result === null) return end(id, cancelled || lastJobWasCancelled() ? 'cancelled' : 'failed');
    setDemoProgress('done' in result ? withStation(getDemoProgress(), id, 'done', result.done) : withStation(getDemoProgress(), id, 'skipped', result.skipped));
  }
  setDemoProgress({ ...getDemoProgress(), status: 'done' });
  return evaluationId;
}

/** Cancels the running station's job and everything after it. What was made stays. */
export function cancelDemo(): void {
  if (getDemoProgress().status !== 'running' || cancelled) return;
  cancelled = true;
  const asked = new Set<string>();
  // A station may still be fetching its data: the job it is about to start is cancelled as soon as the engine knows it.
  const cancelOpenJob = (): void => {
    const job = selectActiveJob(studio.getState());
    if (!job || asked.has(job.id)) return;
    asked.add(job.id);
    cancelJob(job.id);
  };
  const unwatch = studio.subscribe(cancelOpenJob);
  const leave = subscribeDemo(() => {
    if (getDemoProgress().status === 'running') return;
    unwatch();
    leave();
  });
  cancelOpenJob();
}

/** Puts the progress away once it has ended. */
export function dismissDemo(): void {
  if (getDemoProgress().status !== 'running') setDemoProgress(idleDemo);
}

function end(id: DemoStationId, state: 'failed' | 'cancelled'): null {
  setDemoProgress({ ...withStation(getDemoProgress(), id, state), status: state });
  return null;
}

function countUnsafe(): number {
  return collectTrainingRows(studio.getState().project).unsafe.length;
}

function freeRunName(): string {
  const { byId, order } = studio.getState().mirror.runs;
  const taken = new Set(order.map((id) => byId[id]?.name));
  let name = 'demo-run';
  for (let i = 2; taken.has(name); i++) name = `demo-run-${i}`;
  return name;
}

function lastJobWasCancelled(): boolean {
  const { byId, order } = studio.getState().mirror.jobs;
  const last = byId[order[order.length - 1] ?? ''];
  return last !== undefined && isEnded(last) && last.status === 'cancelled';
}
