/**
 * The wire between the studio and the engine: jobs, commands, events. Types only.
 * Everything slow is a job with one lifecycle: queued, started, progress*, (paused, resumed)*, then exactly one of done, failed, cancelled.
 */
import type { EngineFailure } from '../base/errors.ts';
import type { EvaluationConfig } from '../config/evaluation.ts';
import type { GenerationConfig } from '../config/generation.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EvaluationPoint, EvaluationReport } from '../records/evaluation.ts';
import type { JudgeLexicon } from '../records/judgeLexicon.ts';
import type { Prompt } from '../records/prompt.ts';
import type { Curation, Response } from '../records/response.ts';
import type { RunRecord, StepMetrics, TrainingData } from '../records/run.ts';
import type { BackendChoice, EngineView, JobProgress, MemoryView, ModelCacheView, ModelInspection, ModelView, StepMeasurement, WeightsRef } from './views.ts';

/** Where a model folder comes from. */
export type ModelSource =
  /** Ships with the studio; small, never cached. */
  | { kind: 'embedded'; name: string; baseUrl: string }
  /** Hugging Face Hub: "owner/name"; a branch, tag or commit. Goes through the cache. */
  | { kind: 'hub'; id: string; revision: string }
  /** Files under any address, e.g. ".../resolve/main/". Goes through the cache. */
  | { kind: 'url'; name: string; baseUrl: string }
  /** What the person dropped; read in pieces, never copied whole. */
  | { kind: 'files'; name: string; files: { path: string; data: Blob | Uint8Array }[] };

/** How to reach the Hub. Kept in memory only: never stored, logged or told. */
export interface HubAccess {
  /** The person's access token, for gated and private models. */
  token?: string;
  /** "https://huggingface.co" if left out. */
  endpoint?: string;
}

/** The labels a person gave to these very answers; they overrule the judges. */
export type HumanLabels = { promptText: string; responseText: string; label: NonNullable<Curation['label']> }[];

/** Every job: what goes in, what comes out. */
export interface Jobs {
  openEngine: {
    params: { backend: BackendChoice; allowSoftwareAdapter: boolean };
    result: EngineView;
  };
  /** What loading would download and need, told from config.json and sizes alone: no weights are read. */
  inspectModel: { params: { source: ModelSource; access?: HubAccess }; result: ModelInspection };
  loadModel: { params: { source: ModelSource; access?: HubAccess }; result: ModelView };
  /** The models in the cache, also half downloaded ones. */
  listModels: { params: Record<string, never>; result: ModelCacheView };
  deleteModel: { params: { key: string }; result: ModelCacheView };
  /** Hashes every file again; `repair` downloads the bad ones once more. */
  verifyModel: { params: { key: string; repair: boolean; access?: HubAccess }; result: { badFiles: string[]; repairedFiles: string[]; cache: ModelCacheView } };
  /** Sets the template that surrounds prompts of the loaded LM; null goes back to its own. `modelLoaded` follows. @throws bad-argument */
  setChatTemplate: { params: { source: string | null }; result: ModelView };
  /** Keeps a PEFT adapter for the loaded LM as a run with one checkpoint. @throws bad-file, unsupported */
  importAdapter: { params: { name: string; files: { path: string; data: Blob | Uint8Array }[] }; result: RunRecord };
  /** One real training step on the loaded LM with the largest rows of `data`: time, memory, and the settings that fit. */
  measureStep: { params: { config: TrainConfig; data: TrainingData }; result: StepMeasurement };
  generate: {
    params: { prompts: { id: string; text: string }[]; samplesPerPrompt: number; config: GenerationConfig; weights: WeightsRef; lexicon: JudgeLexicon | null };
    result: { responses: Response[]; stopped: boolean };
  };
  train: {
    params: {
      name: string;
      config: TrainConfig;
      data: TrainingData;
      validation: Prompt[];
      evaluation: EvaluationConfig;
      lexicon: JudgeLexicon | null;
      humanLabels: HumanLabels;
    };
    result: RunRecord;
  };
  /** Continues a paused-by-reload, stopped or failed run from its last saved state, as if never stopped. */
  resumeRun: { params: { runId: string }; result: RunRecord };
  evaluate: {
    params: {
      weights: WeightsRef[];
      prompts: Prompt[];
      split: EvaluationReport['split'];
      config: EvaluationConfig;
      lexicon: JudgeLexicon | null;
      humanLabels: HumanLabels;
    };
    /** One report per entry of `weights`, same prompts in the same order. */
    result: EvaluationReport[];
  };
  /** Writes the merged Hugging Face folder of these weights, or their PEFT adapter, and reads it back to verify it. */
  exportModel: {
    params: { weights: WeightsRef; as: 'merged' | 'adapter' };
    result: { files: { path: string; data: Uint8Array | Blob }[]; fingerprint: string; verified: string };
  };
  listRuns: { params: Record<string, never>; result: RunRecord[] };
  deleteRun: { params: { runId: string }; result: { runId: string } };
  /** Gives a run another name; `runChanged` follows. @throws bad-argument if the name is empty, not-found */
  renameRun: { params: { runId: string; name: string }; result: { runId: string; name: string } };
  measureMemory: { params: Record<string, never>; result: MemoryView };
}
export type JobName = keyof Jobs;

/** What the studio asks of the engine. `stop` ends a job early and keeps what it made; `cancel` drops it. */
export type Command =
  | { [N in JobName]: { type: 'start'; jobId: string; name: N; params: Jobs[N]['params'] } }[JobName]
  | { type: 'pause'; jobId: string }
  | { type: 'resume'; jobId: string }
  | { type: 'stop'; jobId: string }
  | { type: 'cancel'; jobId: string };

/** A piece of a response while it is being generated. */
export interface StreamedText {
  promptId: string;
  sample: number;
  text: string;
}

/** What the engine says. */
export type EngineEvent =
  /** A fresh engine: no backend opened, no model loaded yet. `storageNotice` says what the person should know of the storage. */
  | { type: 'ready'; runs: RunRecord[]; storage: 'opfs' | 'memory' | 'disk'; storageNotice?: string | null }
  | { type: 'queued'; jobId: string; name: JobName }
  | { type: 'started'; jobId: string; name: JobName; at: string }
  | { type: 'progressed'; jobId: string; progress: JobProgress }
  | { type: 'paused'; jobId: string }
  | { type: 'resumed'; jobId: string }
  | { [N in JobName]: { type: 'done'; jobId: string; name: N; result: Jobs[N]['result'] } }[JobName]
  | { type: 'failed'; jobId: string; name: JobName; failure: EngineFailure }
  | { type: 'cancelled'; jobId: string; name: JobName }
  | { type: 'engineOpened'; engine: EngineView }
  | { type: 'modelLoaded'; model: ModelView }
  /** The LM before it was given up, to make room. */
  | { type: 'modelUnloaded' }
  | { type: 'textStreamed'; jobId: string; pieces: StreamedText[] }
  | { type: 'responsesFinished'; jobId: string; responses: Response[] }
  | { type: 'runChanged'; run: Omit<RunRecord, 'metrics' | 'evaluations'> }
  | { type: 'stepsLogged'; jobId: string; runId: string; steps: StepMetrics[] }
  | { type: 'evaluated'; jobId: string; runId: string; point: EvaluationPoint }
  | { type: 'memoryMeasured'; memory: MemoryView }
  /** The GPU is gone. Running jobs have failed; the client starts a fresh worker, whose `ready` carries the inventory. */
  | { type: 'deviceLost'; reason: string }
  /** The worker itself died. Said by the client, which has failed its jobs and started a fresh worker if `respawned`. */
  | { type: 'engineCrashed'; failure: EngineFailure; respawned: boolean };
