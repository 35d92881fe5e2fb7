/** A fine-tuning run: its immutable settings, what was logged, where it stands. Plain data, stored as JSON. */
import type { EngineFailure } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import type { EvaluationPoint } from './evaluation.ts';

/** One optimizer step. Losses in nats per token. */
export interface StepMetrics {
  step: number;
  /** Time spent training so far, evaluations excluded, ms. */
  elapsedMs: number;
  lossTotal: number;
  /** Mean NLL of the benign response tokens. */
  lossBenign: number;
  /** lambda times the semantic term, as it enters the total. */
  lossSemantic: number;
  /** KL anchor as it enters the total. */
  lossKl: number;
  /** Mean distance D over the unsafe tokens: the penalty before weighting. */
  meanDistance: number;
  /** Mean importance weight rho over the unsafe tokens, 0..exp(clamp). */
  meanWeight: number;
  gradNorm: number;
  learningRate: number;
  tokens: number;
  tokensPerSecond: number;
}

export type RunStatus = 'running' | 'paused' | 'completed' | 'stopped' | 'failed' | 'interrupted';

/** Where a run stands; listed in the history. `interrupted`: the page closed in mid-run, it can be resumed. */
export interface RunRecord {
  id: string;
  name: string;
  status: RunStatus;
  modelId: string;
  baseFingerprint: string;
  /** What its rows were encoded with; a resumed run goes back to it. Absent in runs of older versions. */
  chatTemplate?: { source: string; origin: 'model' | 'instruction' | 'edited' };
  backend: string;
  config: TrainConfig;
  /** How many rows went in, and the sha256 of them. */
  data: { unsafe: number; everyday: number; borderline: number; sha256: string };
  step: number;
  bestStep: number | null;
  /** Why that step: the rule in words, with its numbers. */
  bestReason: string | null;
  /** Steps whose weights are kept: the evaluated ones. */
  checkpointSteps: number[];
  /** The step that a resumed run goes on from; null while nothing is saved and it would begin anew. */
  savedStep: number | null;
  metrics: StepMetrics[];
  evaluations: EvaluationPoint[];
  createdAt: string;
  updatedAt: string;
  /** Made elsewhere: a PEFT adapter that a person brought; it has no curves. */
  imported?: boolean;
  /** What the person should know of it, e.g. that an adapter names another base. */
  notice?: string;
  failure?: EngineFailure;
}

/** A prompt with the answer to train on (benign) or to move away from (unsafe). */
export interface TrainingPair {
  prompt: string;
  response: string;
  intent?: string;
}

/** All rows a run may draw from. */
export interface TrainingData {
  unsafe: TrainingPair[];
  everyday: TrainingPair[];
  borderline: TrainingPair[];
}
