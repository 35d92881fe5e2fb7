/**
 * The engine without its surroundings: holds backend, LM and runs, obeys commands, says events. The same in the Worker and in Node.
 * Not for messages (entry.ts) and not for the jobs themselves (jobs/).
 */
import { EngineError, toFailure } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import { createModelCache } from '../loader/modelCache.ts';
import type { RangeStore } from '../loader/rangeStore.ts';
import type { Command, EngineEvent, JobName } from '../protocol/jobs.ts';
import type { RunRecord } from '../records/run.ts';
import { createCoalescer } from './coalesce.ts';
import type { EngineHost, EngineState } from './engineState.ts';
import { createJobRunner, type JobBodies } from './jobRunner.ts';
import { evaluateJob } from './jobs/evaluateJob.ts';
import { exportModelJob } from './jobs/exportModelJob.ts';
import { generateJob } from './jobs/generateJob.ts';
import { importAdapterJob } from './jobs/importAdapterJob.ts';
import { inspectModelJob } from './jobs/inspectModelJob.ts';
import { loadModelJob } from './jobs/loadModelJob.ts';
import { measureStepJob } from './jobs/measureStepJob.ts';
import { deleteModelJob, listModelsJob, verifyModelJob } from './jobs/modelCacheJobs.ts';
import { openEngineJob } from './jobs/openEngineJob.ts';
import { setChatTemplateJob } from './jobs/setChatTemplateJob.ts';
import { deleteRunJob, listRunsJob, measureMemoryJob, renameRunJob } from './jobs/storeJobs.ts';
import { resumeRunJob, trainJob } from './jobs/trainJob.ts';
import { createRunStore } from './runStore.ts';

export interface Session {
  /** Says `ready` with the stored runs. To be called once, first. */
  start(): Promise<void>;
  startCommand(command: Command): void;
  /** Frees everything; open jobs are cancelled. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Runs and checkpoints. Borrowed for the life of the session. */
  files: RangeStore;
  /** Downloaded models, where they do not lie with the runs. Borrowed. */
  modelFiles?: RangeStore;
  host: EngineHost;
  /** Hears every event, in order. */
  emit(event: EngineEvent): void;
}

/** These wait for no GPU. */
const IMMEDIATE: ReadonlySet<JobName> = new Set<JobName>(['listRuns', 'deleteRun', 'renameRun', 'measureMemory', 'inspectModel', 'listModels', 'deleteModel', 'verifyModel']);

/** After a lost device jobs end by themselves; one that hangs is not waited for longer than this. */
const LAST_WORDS_MS = 3000;

/** Creates an engine; nothing is opened yet. */
export function createSession({ files, modelFiles = files, host, emit }: SessionOptions): Session {
  const coalescer = createCoalescer(emit, host.now);
  const say = (event: EngineEvent) => coalescer.push(event);
  const given = new WeakSet<OpenedBackend>();
  const state: EngineState = { host, runs: createRunStore(files), models: createModelCache(modelFiles, host.timestamp), emit: say, opened: null, model: null, openRunId: null };

  /**
   * A lost device, or one that reported an error: nothing computed on it from now on can be trusted, so this engine is done.
   * Its jobs fail, then `deviceLost` lets the client start a fresh one.
   */
  function watch(backend: OpenedBackend): void {
    const giveUp = async (error: EngineError) => {
      // A device that was given back on purpose is not lost; and once is enough.
      if (state.opened?.backend !== backend || given.has(backend)) return;
      given.add(backend);
      runner.failAll(error);
      await Promise.race([runner.idle(), new Promise((resolve) => setTimeout(resolve, LAST_WORDS_MS))]);
      say({ type: 'deviceLost', reason: error.message });
    };
    void backend.lost.then(giveUp);
    backend.onGpuError((error) => void giveUp(error));
  }

  const bodies: JobBodies = {
    openEngine: openEngineJob(state, watch),
    loadModel: loadModelJob(state),
    generate: generateJob(state),
    train: trainJob(state),
    resumeRun: resumeRunJob(state),
    evaluate: evaluateJob(state),
    exportModel: exportModelJob(state),
    listRuns: listRunsJob(state),
    deleteRun: deleteRunJob(state),
    renameRun: renameRunJob(state),
    measureMemory: measureMemoryJob(state),
    inspectModel: inspectModelJob(state),
    listModels: listModelsJob(state),
    deleteModel: deleteModelJob(state),
    verifyModel: verifyModelJob(state),
    setChatTemplate: setChatTemplateJob(state),
    importAdapter: importAdapterJob(state),
    measureStep: measureStepJob(state),
  };
  const runner = createJobRunner({ bodies, emit: say, immediate: IMMEDIATE, now: host.now, timestamp: host.timestamp, yieldToEvents: nextMacrotask });

  return {
    async start() {
      let runs: RunRecord[] = [];
      let storageNotice = files.notice;
      try {
        runs = await state.runs.list(() => false);
      } catch (thrown) {
        // Without its runs the engine still works; the person has to know.
        storageNotice = `The stored runs cannot be listed: ${toFailure(thrown).message}`;
      }
      say({ type: 'ready', runs, storage: files.kind, storageNotice });
    },
    startCommand: (command) => runner.obey(command),
    async close() {
      runner.failAll(new EngineError('cancelled', 'The engine was closed.'));
      await runner.idle();
      state.model?.base.dispose();
      state.model = null;
      const opened = state.opened;
      state.opened = null;
      await opened?.backend.close();
    },
  };
}
