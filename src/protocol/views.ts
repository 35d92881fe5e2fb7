/** What the user interface may know of the engine: plain views. Types only. */
import type { FitReport } from '../config/fit.ts';
import type { LmConfig } from '../config/lm.ts';
import type { TrainConfig } from '../config/train.ts';

export type BackendName = 'webgpu' | 'wasm';
export type BackendChoice = 'auto' | BackendName;

/** The opened compute backend, and why it is this one. */
export interface EngineView {
  backend: BackendName;
  /** Vendor, architecture and description as the adapter gives them; null on WASM. */
  adapter: { vendor: string; architecture: string; description: string; isSoftware: boolean } | null;
  /** One sentence: which backend and why. */
  reason: string;
  /** What was tried first and failed, if anything. */
  rejected: { backend: BackendName; reason: string }[];
  /** Measured time of one real training step of a tiny LM, ms. */
  preflightMs: number;
  maxBufferSizeBytes: number | null;
  /** Largest buffer of all, where tables may be larger than what a program may see at once; null on WASM. */
  maxTableBytes?: number | null;
}

/** The loaded language model. */
export interface ModelView {
  id: string;
  name: string;
  /** sha256 of the weights file, hex. */
  fingerprint: string;
  config: LmConfig;
  parameterCount: number;
  sizeBytes: number;
  hasChatTemplate: boolean;
  /** The template in use, as Jinja source: the LM's own, a plain instruction layout, or the person's. */
  chatTemplate: { source: string; origin: 'model' | 'instruction' | 'edited'; /** A short prompt as the LM gets it. */ preview?: string };
  /** How the matrices lie on the device. */
  storage: 'f32' | 'f16' | 'bf16';
  /** Where it came from, to be loaded again; files have to be given again. */
  source: { kind: 'embedded' } | { kind: 'hub'; id: string; revision: string; commit: string } | { kind: 'url'; baseUrl: string } | { kind: 'files' };
  /** Names of the linear layers that LoRA can target, e.g. "q_proj". */
  loraTargets: string[];
  /** Markdown of the model card, if the folder has one. */
  card: string | null;
  /** What the person should know of how it was loaded, e.g. that the server could not be reached and a copy was used. */
  notice?: string | null;
}

/** One file of a model. */
export interface ModelFileView {
  path: string;
  sizeBytes: number;
  cachedBytes: number;
}

/** What a model would take, before anything large is downloaded. */
export interface ModelInspection {
  name: string;
  config: LmConfig;
  parameterCount: number;
  /** What would be downloaded, or read; and of that, what is there already. */
  files: ModelFileView[];
  totalBytes: number;
  cachedBytes: number;
  /** As stored in the files. */
  storage: 'f32' | 'f16' | 'bf16';
  /** The commit that the revision means now; null for other sources. */
  commit: string | null;
  /** As the model card names it. */
  licence: string | null;
  gated: boolean;
  fit: FitReport;
  /** What the person should know, e.g. that the server cannot be reached and the downloaded copy is used. */
  notice?: string | null;
}

/** A model in the cache. */
export interface CachedModel {
  key: string;
  /** Hub id, or the name of the address. */
  name: string;
  source: Extract<ModelView['source'], { kind: 'hub' | 'url' }>;
  state: 'partial' | 'complete';
  totalBytes: number;
  cachedBytes: number;
  licence: string | null;
  addedAt: string;
  lastUsedAt: string;
}

/** The cache of downloaded models. Measured. */
export interface ModelCacheView {
  models: CachedModel[];
  usageBytes: number;
  /** What the browser allows this site in all; null where it does not tell. */
  quotaBytes: number | null;
  /** What it has of that in use, runs and all. */
  siteUsageBytes: number | null;
}

/** One step, measured; what it takes, and settings that fit. */
export interface StepMeasurement {
  /** Measured, warmed up, ms a step of `config`. */
  msPerStep: number;
  tokensPerSecond: number;
  /** Highest live bytes of tensors in the step. Measured. */
  peakBytes: number;
  /** The settings asked for, changed where they did not fit: smaller micro-batches with accumulation, checkpointing. */
  config: TrainConfig;
  /** What was changed and why, one sentence each; empty if nothing was. */
  changes: string[];
  /** What larger micro-batches would still fit by the estimate, one sentence; null if none would. */
  room?: string | null;
  /** GPU bytes allocated after the step, buffer pool included. Measured; null on WASM. */
  gpuBytes?: number | null;
}

/** Which weights to use; an adapter's strength is 1 if left out. */
export type WeightsRef = { kind: 'base' } | { kind: 'run'; runId: string; step: number | 'best' | 'last'; strength?: number };

/** Memory in use. Measured. */
export interface MemoryView {
  numTensors: number;
  /** Live tensor bytes. */
  tensorBytes: number;
  /** GPU bytes allocated, pool included; null on WASM. */
  gpuBytes: number | null;
}

/** Progress of a job. `etaMs` is an estimate from the rate so far; null while unknown. */
export interface JobProgress {
  phase: string;
  done: number;
  total: number;
  unit: 'bytes' | 'steps' | 'responses' | 'prompts' | 'files' | 'kernels';
  elapsedMs: number;
  etaMs: number | null;
  tokensPerSecond?: number;
  bytesPerSecond?: number;
}
