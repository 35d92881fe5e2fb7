/**
 * Runs on a file store: `runs/<id>/run.json` (the record), `input.json` (what it was started with), `state-<step>.bin` (to go on from:
 * parameters, moments, random state) and `step-<n>.safetensors` (checkpoints). Everything is validated when it is read;
 * a damaged run is listed as failed, it does not spoil the others.
 */
import { EngineError, toFailure } from '../base/errors.ts';
import { defaultTrainConfig } from '../config/train.ts';
import type { FileStore } from '../loader/fileStore.ts';
import type { Jobs } from '../protocol/jobs.ts';
import type { RunRecord } from '../records/run.ts';
import { parseRunRecord, parseTrainInput, toStoredJson } from './runSchema.ts';
import { sealBytes, unsealBytes } from './sealedBytes.ts';

export type TrainInput = Jobs['train']['params'];

export interface RunStore {
  readonly files: FileStore;
  /** All runs, newest first. Runs that no job works on any more but that say so are `interrupted`. */
  list(isOpen: (runId: string) => boolean): Promise<RunRecord[]>;
  /** @throws EngineError not-found | bad-file */
  readRecord(runId: string): Promise<RunRecord>;
  writeRecord(record: RunRecord): Promise<void>;
  /** @throws EngineError not-found | bad-file */
  readInput(runId: string): Promise<TrainInput>;
  writeInput(runId: string, input: TrainInput): Promise<void>;
  /** The newest state that is whole; null if there is none. @returns bytes owned by the caller */
  readState(runId: string): Promise<{ step: number; bytes: Uint8Array } | null>;
  /** Keeps the new state and the one before it. @param bytes borrowed */
  writeState(runId: string, step: number, bytes: Uint8Array): Promise<void>;
  /** Drops states and checkpoints of later steps: they belong to a future that will be trained again. */
  removeAfter(runId: string, step: number): Promise<void>;
  /** A safetensors file. @throws EngineError not-found */
  readCheckpoint(runId: string, step: number): Promise<Uint8Array>;
  writeCheckpoint(runId: string, step: number, bytes: Uint8Array): Promise<void>;
  /** Steps with a checkpoint, ascending. */
  checkpointSteps(runId: string): Promise<number[]>;
  /** Bytes on disk. */
  sizeBytes(runId: string): Promise<number>;
  remove(runId: string): Promise<void>;
}

/** States kept: the newest, and one to fall back on should it be damaged. */
const STATES_KEPT = 2;

function assertRunId(runId: string): void {
  if (!/^[\w-]{1,100}$/.test(runId)) throw new EngineError('bad-argument', `"${runId}" is not the id of a run.`);
}

/** @param files borrowed for the life of the store */
export function createRunStore(files: FileStore): RunStore {
  const folder = (runId: string) => {
    assertRunId(runId);
    return `runs/${runId}`;
  };
  async function readOrThrow(path: string): Promise<Uint8Array> {
    const bytes = await files.read(path);
    if (!bytes) throw new EngineError('not-found', `${path} does not exist.`);
    return bytes;
  }
  /** Numbered files of a run: [step, path], ascending. */
  async function numbered(runId: string, pattern: RegExp): Promise<[number, string][]> {
    const found: [number, string][] = [];
    for (const path of await files.list(folder(runId))) {
      const match = pattern.exec(path);
      if (match) found.push([Number(match[1]), path]);
    }
    return found.sort((a, b) => a[0] - b[0]);
  }
  const states = (runId: string) => numbered(runId, /\/state-(\d+)\.bin$/);
  const checkpoints = (runId: string) => numbered(runId, /\/step-(\d+)\.safetensors$/);

  const store: RunStore = {
    files,
    async list(isOpen) {
      const ids = new Set((await files.list('runs')).map((path) => path.split('/')[1] as string));
      const records: RunRecord[] = [];
      for (const id of ids) {
        try {
          // The record is written before its state: which state is there, only the files know.
          const record = { ...(await store.readRecord(id)), savedStep: (await states(id)).at(-1)?.[0] ?? null };
          const stale = (record.status === 'running' || record.status === 'paused') && !isOpen(id);
          records.push(stale ? { ...record, status: 'interrupted' } : record);
        } catch (thrown) {
          records.push(damagedRecord(id, thrown));
        }
      }
      return records.sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : a.id < b.id ? 1 : -1));
    },
    async readRecord(runId) {
      const path = `${folder(runId)}/run.json`;
      const record = parseRunRecord(await readOrThrow(path), path);
      if (record.id !== runId) throw new EngineError('bad-file', `${path} is the record of another run (${record.id}).`);
      return record;
    },
    writeRecord: (record) => files.write(`${folder(record.id)}/run.json`, toStoredJson(record)),
    async readInput(runId) {
      const path = `${folder(runId)}/input.json`;
      return parseTrainInput(await readOrThrow(path), path);
    },
    writeInput: (runId, input) => files.write(`${folder(runId)}/input.json`, toStoredJson(input)),
    async readState(runId) {
      let damage: unknown = null;
      for (const [step, path] of (await states(runId)).reverse()) {
        try {
          return { step, bytes: unsealBytes(await readOrThrow(path), path) };
        } catch (thrown) {
          // The one before may still be whole; the run then repeats a few steps.
          damage ??= thrown;
        }
      }
      if (damage) throw damage;
      return null;
    },
    async writeState(runId, step, bytes) {
      await files.write(`${folder(runId)}/state-${step}.bin`, sealBytes(bytes));
      const old = (await states(runId)).filter(([at]) => at <= step).slice(0, -STATES_KEPT);
      for (const [, path] of old) await files.remove(path);
    },
    async removeAfter(runId, step) {
      for (const [at, path] of [...(await states(runId)), ...(await checkpoints(runId))]) if (at > step) await files.remove(path);
    },
    readCheckpoint: (runId, step) => readOrThrow(`${folder(runId)}/step-${step}.safetensors`),
    writeCheckpoint: (runId, step, bytes) => files.write(`${folder(runId)}/step-${step}.safetensors`, bytes),
    checkpointSteps: async (runId) => (await checkpoints(runId)).map(([step]) => step),
    sizeBytes: (runId) => files.size(folder(runId)),
    remove: (runId) => files.remove(folder(runId)),
  };
  return store;
}

/** Stands for a run whose record cannot be read, so that it can be seen and deleted. */
function damagedRecord(id: string, thrown: unknown): RunRecord {
  const unknownTime = new Date(0).toISOString();
  return {
    id,
    name: `${id} (damaged)`,
    status: 'failed',
    modelId: '',
    baseFingerprint: '',
    backend: '',
    config: defaultTrainConfig,
    data: { unsafe: 0, everyday: 0, borderline: 0, sha256: '' },
    step: 0,
    bestStep: null,
    bestReason: null,
    checkpointSteps: [],
    savedStep: null,
    metrics: [],
    evaluations: [],
    createdAt: unknownTime,
    updatedAt: unknownTime,
    failure: toFailure(thrown),
  };
}
