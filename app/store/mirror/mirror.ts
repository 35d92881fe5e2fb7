/** The read model of the engine: what the worker has said so far. Written by `applyEvent` alone. Plain data. */
import type { EngineFailure } from '../../../src/base/errors.ts';
import type { JobName } from '../../../src/protocol/jobs.ts';
import type { EngineView, JobProgress, MemoryView, ModelCacheView, ModelView } from '../../../src/protocol/views.ts';
import type { RunRecord } from '../../../src/records/run.ts';

export type JobStatus = 'queued' | 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

export interface JobView {
  id: string;
  name: JobName;
  status: JobStatus;
  startedAt: string | null;
  progress: JobProgress | null;
  failure: EngineFailure | null;
}

export interface EngineState {
  /** `starting` until the worker says `ready`; `lost` after the device went away; `crashed` when the worker cannot run at all. */
  status: 'starting' | 'ready' | 'lost' | 'crashed';
  storage: 'opfs' | 'memory' | 'disk' | null;
  /** What the person should know of that storage. */
  storageNotice: string | null;
  view: EngineView | null;
  memory: MemoryView | null;
  lostReason: string | null;
}

export interface JobsState {
  byId: Readonly<Record<string, JobView>>;
  /** Oldest first; ended jobs beyond the newest 50 are dropped. */
  order: readonly string[];
}

export interface RunsState {
  byId: Readonly<Record<string, RunRecord>>;
  /** Oldest first. */
  order: readonly string[];
}

/** Responses that are being written just now: text so far by `streamKey(promptId, sample)`. */
export type StreamsState = Readonly<Record<string, { jobId: string; promptId: string; sample: number; text: string }>>;

export interface Mirror {
  engine: EngineState;
  model: ModelView | null;
  /** Downloaded models; null until they were listed. */
  cache: ModelCacheView | null;
  jobs: JobsState;
  runs: RunsState;
  streams: StreamsState;
}

export const emptyMirror: Mirror = {
  engine: { status: 'starting', storage: null, storageNotice: null, view: null, memory: null, lostReason: null },
  model: null,
  cache: null,
  jobs: { byId: {}, order: [] },
  runs: { byId: {}, order: [] },
  streams: {},
};

export function streamKey(promptId: string, sample: number): string {
  return `${promptId}#${sample}`;
}
