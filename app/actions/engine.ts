/**
 * The studio's connection to the engine: events go to the mirror, finished responses to the project, failures to a notice.
 * Actions ask through `startJob` and `runJob`; nothing else talks to the client.
 */
import { EngineError, toFailure, type EngineFailure } from '../../src/base/errors.ts';
import { createEngineClient } from '../../src/client/engineClient.ts';
import type { EngineClient, EngineWorker } from '../../src/client/engineClient.ts';
import type { EngineEvent, JobName, Jobs } from '../../src/protocol/jobs.ts';
import { studio } from '../store/studio.ts';

let client: EngineClient | null = null;

/** What a failed job is called in its notice. */
const FAILED: Record<JobName, string> = {
  openEngine: 'The engine could not be opened',
  loadModel: 'The model could not be loaded',
  generate: 'Generating stopped with an error',
  train: 'Training stopped with an error',
  resumeRun: 'The run could not be resumed',
  evaluate: 'Evaluating stopped with an error',
  exportModel: 'The model could not be exported',
  listRuns: 'The runs could not be listed',
  deleteRun: 'The run could not be deleted',
  renameRun: 'The run could not be renamed',
  measureMemory: 'Memory could not be measured',
  inspectModel: 'The model could not be looked at',
  listModels: 'The downloaded models could not be listed',
  deleteModel: 'The downloaded model could not be deleted',
  verifyModel: 'The downloaded model could not be checked',
  setChatTemplate: 'The chat template could not be used',
  importAdapter: 'The adapter could not be loaded',
  measureStep: 'The test step failed',
};

/** Their failures are told where they were asked for; a notice would say it twice. */
const TOLD_IN_PLACE: ReadonlySet<JobName> = new Set<JobName>(['inspectModel', 'setChatTemplate', 'measureStep', 'importAdapter']);

/**
 * Starts the engine and feeds the store from it.
 * @param spawn makes the worker; called again after a crash or a lost GPU
 * @param onReady called for every fresh engine, the first one and each later one
 */
export function connectEngine(spawn: () => EngineWorker, onReady: () => void): void {
  client?.close();
  const connected = createEngineClient(spawn);
  client = connected;
  connected.subscribe((event) => {
    if (client !== connected) return;
    studio.applyEvents([event]);
    tellPerson(event);
    if (event.type === 'responsesFinished') studio.record({ type: 'added', collection: 'responses', documents: event.responses });
    if (event.type === 'ready') onReady();
  });
}

function tellPerson(event: EngineEvent): void {
  switch (event.type) {
    case 'failed':
      if (TOLD_IN_PLACE.has(event.name) || (event.name === 'loadModel' && studio.getState().route.station === 'model')) return;
      // A lost device fails every job: one notice says it for all.
      if (event.failure.code !== 'device-lost') studio.notify({ tone: 'unsafe', title: FAILED[event.name], detail: event.failure.message });
      return;
    case 'deviceLost':
      studio.notify({ tone: 'unsafe', title: 'The GPU was lost; the engine is starting again', detail: `${event.reason} A training run can be resumed from its last saved step on the Train page.` });
      return;
    case 'engineCrashed':
      studio.notify({ tone: 'unsafe', title: event.respawned ? 'The engine crashed and was started again' : 'The engine cannot run here', detail: event.failure.message });
      return;
    default:
      return;
  }
}

function connected(): EngineClient {
  if (!client) throw new EngineError('internal', 'The engine is not connected yet. Reload the page.');
  return client;
}

/** Asks for a job and returns its id; its fate is told by events. */
export function startJob<N extends JobName>(name: N, params: Jobs[N]['params']): string {
  return connected().start(name, params).jobId;
}

/** Runs a job to its end. @returns its result, or null if it failed or was cancelled: the person has been told by the event */
export async function runJob<N extends JobName>(name: N, params: Jobs[N]['params'], onStart?: (jobId: string) => void): Promise<Jobs[N]['result'] | null> {
  try {
    return await connected().run(name, params, { onStart: ({ jobId }) => onStart?.(jobId) });
  } catch (thrown) {
    if (thrown instanceof EngineError) return null;
    throw thrown;
  }
}

/** What became of a job, for callers that tell its failure themselves. `failure` is null when it was cancelled. */
export type JobOutcome<N extends JobName> = { result: Jobs[N]['result'] } | { failure: EngineFailure | null };

/** Runs a job to its end; never throws. */
export async function askJob<N extends JobName>(name: N, params: Jobs[N]['params'], onStart?: (jobId: string) => void): Promise<JobOutcome<N>> {
  try {
    return { result: await connected().run(name, params, { onStart: ({ jobId }) => onStart?.(jobId) }) };
  } catch (thrown) {
    const failure = toFailure(thrown);
    return { failure: failure.code === 'cancelled' ? null : failure };
  }
}

export function pauseJob(jobId: string): void {
  connected().pause(jobId);
}

export function resumeJob(jobId: string): void {
  connected().resume(jobId);
}

/** Ends a job early and keeps what it made. */
export function stopJob(jobId: string): void {
  connected().stop(jobId);
}

/** Drops a job and what it made. */
export function cancelJob(jobId: string): void {
  connected().cancel(jobId);
}

/** Ends the engine for good, as when another tab takes over. */
export function closeEngine(): void {
  client?.close();
  client = null;
}
