/** What the user interface may know of the engine: plain views. Types only. */
import type { LmConfig } from '../config/lm.ts';

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
  /** Markdown of the model card, if the folder has one. */
  card: string | null;
}

/** Which weights to use. */
export type WeightsRef = { kind: 'base' } | { kind: 'run'; runId: string; step: number | 'best' | 'last' };

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
}
