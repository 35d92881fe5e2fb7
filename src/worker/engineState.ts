/**
 * What the engine holds between jobs: the opened backend, the loaded LM, the store of runs. Jobs get this and change it;
 * the session makes it. Not for running jobs (jobRunner).
 */
import { EngineError } from '../base/errors.ts';
import type { OpenedBackend } from '../device/openDevice.ts';
import type { CoherenceCalibration } from '../evaluate/coherence.ts';
import type { LanguageModel } from '../lm/params.ts';
import type { HttpHost } from '../loader/http.ts';
import type { ModelCache } from '../loader/modelCache.ts';
import type { ModelFolder } from '../loader/modelFolder.ts';
import type { StoredDtype } from '../base/storedValues.ts';
import type { EngineEvent } from '../protocol/jobs.ts';
import type { EngineView, ModelView } from '../protocol/views.ts';
import type { Tokenizer } from '../tokenizer/tokenizer.ts';
import type { RunStore } from './runStore.ts';

/** The loaded language model. Its weights live on the device; the folder keeps the small files only. */
export interface LoadedModel {
  view: ModelView;
  folder: Omit<ModelFolder, 'tensors'>;
  /** How its files store each parameter, by name. */
  dtypes: ReadonlyMap<string, StoredDtype>;
  /** The frozen base LM. Owned by the engine. */
  base: LanguageModel;
  tokenizer: Tokenizer;
  /** Coherence thresholds measured on this LM, by prompts and settings: they depend on nothing else. */
  coherence: Map<string, CoherenceCalibration>;
}

/** Where the engine runs; the same for Worker and Node but for these. */
export interface EngineHost {
  /** Where the WASM backend's files are, by file name. */
  wasmPaths?: string | Record<string, string>;
  /** Processor threads for the WASM backend; 1 if not given. */
  threads?: number;
  /** WebGPU, where it is not at `navigator.gpu`. */
  gpu?: GPU;
  /** How downloads reach the network, where it is not by `fetch` and the clock. */
  http?: HttpHost;
  /** Keeps the page from being frozen while `body` runs (a Web Lock in browsers). */
  holdAwake<T>(name: string, body: () => Promise<T>): Promise<T>;
  /** Monotonic milliseconds. */
  now(): number;
  /** ISO time of day. */
  timestamp(): string;
}

export interface EngineState {
  readonly host: EngineHost;
  readonly runs: RunStore;
  /** Downloaded models. */
  readonly models: ModelCache;
  readonly emit: (event: EngineEvent) => void;
  opened: { backend: OpenedBackend; view: EngineView } | null;
  model: LoadedModel | null;
  /** The run that a job works on at present. */
  openRunId: string | null;
}

/** @throws EngineError bad-argument before `openEngine` */
export function requireBackend(state: EngineState): { backend: OpenedBackend; view: EngineView } {
  if (!state.opened) throw new EngineError('bad-argument', 'No compute backend is open. Open the engine first.');
  return state.opened;
}

/** @throws EngineError bad-argument before `loadModel` */
export function requireModel(state: EngineState): LoadedModel {
  if (!state.model) throw new EngineError('bad-argument', 'No language model is loaded. Load one first.');
  return state.model;
}
