/**
 * The training loop: draws micro-batches, adds up gradients, clips, steps AdamW, reports. Same seed, same losses;
 * a resumed run goes on as if it had never stopped. Not for evaluation, checkpoint files or pausing: who drives the
 * loop does that between steps.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import { Rng } from '../base/rng.ts';
import type { TrainConfig } from '../config/train.ts';
import { createBatch } from '../data/batches.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';
import { type CompileProgress, compilePipelines } from '../kernels/compilePipelines.ts';
import { readLater } from '../kernels/readLater.ts';
import { clipScale } from '../kernels/clipScale/clipScale.ts';
import { withDropout } from '../lm/adapter.ts';
import { assignParams, type LanguageModel, readParams, trainableOf } from '../lm/params.ts';
import { AdamW } from '../optim/adamW.ts';
import { learningRateAt } from '../optim/schedule.ts';
import type { StepMetrics } from '../records/run.ts';
import { BaseReference } from './baseReference.ts';
import { addGradients, termNames } from './gradients.ts';
import { runFingerprint } from './runFingerprint.ts';
import type { TrainState } from './trainState.ts';

export interface TrainInput {
  /** Trained in place; must hold the base weights unless `state` is given. */
  lm: LanguageModel;
  /** The same LM, frozen. */
  base: LanguageModel;
  rows: EncodedTrainingData;
  config: TrainConfig;
  /** Where to go on; the trained weights come from it. */
  state?: TrainState;
  signal?: AbortSignal;
  /** Told while the GPU programs of a step are compiled, before the first one. */
  onCompile?: (progress: CompileProgress) => void;
}

/** A step that the device has, or has done. */
export interface TakenStep {
  step: number;
  /**
   * Rejects with EngineError bad-config if loss or gradient is not finite: then the weights are still those of the last good step, as the
   * device itself held this step back and all after it; with gpu-error if the device failed.
   */
  metrics: Promise<StepMetrics>;
}

/** A run between two steps. `nextStep`, `takeStep` and `captureState` must not overlap. */
export interface Trainer {
  /** Optimizer steps done, or handed to the device. */
  readonly step: number;
  /** Whether all steps are done. */
  readonly finished: boolean;
  /**
   * Hands one optimizer step to the device without waiting for its losses, so that the device never waits for the host. Two steps are under
   * way at most: a third waits for the first.
   * @returns the step, or null if the signal was aborted before the step was complete: then nothing has changed
   */
  takeStep(signal?: AbortSignal): Promise<TakenStep | null>;
  /** takeStep and its metrics in one. */
  nextStep(signal?: AbortSignal): Promise<StepMetrics | null>;
  /** Copies everything needed to go on later to the host. */
  captureState(): Promise<TrainState>;
  /** Frees what the trainer made; the LMs stay. */
  dispose(): void;
}

function restoreParams(lm: LanguageModel, state: TrainState): void {
  for (const [name, { shape }] of trainableOf(lm).layout.places)
    if (state.params.get(name)?.data.length !== tf.util.sizeFromShape(shape)) throw new EngineError('bad-file', `Training state: parameter ${name} is missing or has the wrong size.`);
  assignParams(lm, state.params);
}

class Run implements Trainer {
  step = 0;
  private elapsedMs = 0;
  private readonly optimizer: AdamW;
  /** Sums of the micro-batches' gradients; zeros between two steps. */
  private readonly gradients: tf.Variable;
  /** [1], set by the device once a step was held back. */
  private readonly held: tf.Variable;
  private underWay: Promise<StepMetrics>[] = [];
  private lastCompletedMs = 0;

  constructor(
    private readonly input: TrainInput,
    private readonly reference: BaseReference,
    private readonly fingerprint: string,
  ) {
    const trainable = trainableOf(input.lm);
    this.optimizer = new AdamW(trainable, input.config);
    this.gradients = tf.tidy(() => tf.variable(tf.zeros([trainable.layout.size]), false));
    this.held = tf.tidy(() => tf.variable(tf.zeros([1]), false));
    const { state } = input;
    if (!state) return;
    restoreParams(input.lm, state);
    this.optimizer.restoreMoments(state.moments);
    this.step = state.step;
    this.elapsedMs = state.elapsedMs;
  }

  get finished(): boolean {
    return this.step >= this.input.config.maxSteps;
  }

  /** The LM with the dropout of one micro-batch, if its adapter has any: which values are dropped depends on seed and index alone. */
  private dropping(microBatch: number): LanguageModel {
    return withDropout(this.input.lm, new Rng(this.input.config.seed).fork('dropout').fork(microBatch).seed);
  }

  /** The GPU work of one step with nothing done about its results; for dry runs, as it would change the weights. */
  rehearse(): void {
    const { rows, config } = this.input;
    const batch = createBatch(rows, config, this.step * config.gradientAccumulationSteps);
    const terms = addGradients(this.dropping(0), this.reference, batch, config, this.gradients);
    void this.update([terms], 1);
    terms.dispose();
  }

  async nextStep(signal?: AbortSignal): Promise<StepMetrics | null> {
    const taken = await this.takeStep(signal);
    return taken && taken.metrics;
  }

  async takeStep(signal?: AbortSignal): Promise<TakenStep | null> {
    if (this.underWay.length > 1) await this.underWay[0];
    const { rows, config } = this.input;
    const startedMs = performance.now();
    const step = this.step + 1;
    const microBatches = config.gradientAccumulationSteps;
    let tokens = 0;
    const allTerms: tf.Tensor1D[] = [];
    let applied = false;
    try {
      for (let i = 0; i < microBatches; i++) {
        await nextMacrotask();
        if (signal?.aborted) return null;
        const batch = createBatch(rows, config, (step - 1) * microBatches + i);
        allTerms.push(addGradients(this.dropping((step - 1) * microBatches + i), this.reference, batch, config, this.gradients));
        tokens += batch.tokens;
      }
      const metrics = this.metricsOf(this.update(allTerms, step), { step, microBatches, tokens, startedMs });
      this.underWay.push(metrics);
      // Whoever asked hears of a failure through the step itself.
      metrics.catch(() => {}).finally(() => (this.underWay = this.underWay.filter((other) => other !== metrics)));
      applied = true;
      this.step = step;
      return { step, metrics };
    } finally {
      tf.dispose(allTerms);
      // An optimizer step leaves zeros; a step that was not taken must not leave its gradients to the next one.
      if (!applied) tf.tidy(() => this.gradients.assign(tf.zerosLike(this.gradients)));
    }
  }

  /** Clips and steps. @returns a read that is under way: the terms of all micro-batches, then norm and scale */
  private update(allTerms: tf.Tensor1D[], step: number): Promise<Float32Array> {
    const { config } = this.input;
    const report = tf.tidy(() => {
      const losses = allTerms.length === 1 ? allTerms[0]! : tf.concat(allTerms);
      const clip = clipScale(this.gradients, losses, this.held, config.maxGradNorm, allTerms.length) as tf.Tensor1D;
      this.optimizer.step(this.gradients, clip, learningRateAt(step, config), step);
      return tf.concat([losses, clip]);
    });
    const read = readLater(report);
    report.dispose();
    return read;
  }

  private async metricsOf(read: Promise<Float32Array>, taken: { step: number; microBatches: number; tokens: number; startedMs: number }): Promise<StepMetrics> {
    const { step, microBatches, tokens, startedMs } = taken;
    const values = await read;
    const terms = Object.fromEntries(
      termNames.map((name, t) => [name, Array.from({ length: microBatches }, (_, i) => values[i * termNames.length + t]!).reduce((sum, value) => sum + value, 0) / microBatches]),
    ) as Record<(typeof termNames)[number], number>;
    const gradNorm = values.at(-2)!;
    const bad = Object.entries({ ...terms, gradNorm }).find(([, value]) => !Number.isFinite(value));
    if (bad)
      throw new EngineError('bad-config', `Training stopped at step ${step}: ${bad[0]} is ${bad[1]}. The weights of step ${step - 1} are unharmed. Lower learningRate or semanticLambda.`);
    const completedMs = performance.now();
    // A step that was recorded while the one before it was being computed began when that one was done.
    const stepMs = completedMs - Math.max(startedMs, this.lastCompletedMs);
    this.lastCompletedMs = completedMs;
    this.elapsedMs += stepMs;
    return { ...terms, gradNorm, learningRate: learningRateAt(step, this.input.config), step, elapsedMs: this.elapsedMs, tokens, tokensPerSecond: (1000 * tokens) / stepMs };
  }

  async captureState(): Promise<TrainState> {
    await Promise.all(this.underWay);
    const params = await readParams(this.input.lm);
    return { step: this.step, elapsedMs: this.elapsedMs, fingerprint: this.fingerprint, params, moments: await this.optimizer.captureMoments() };
  }

  dispose(): void {
    this.optimizer.dispose();
    tf.dispose([this.gradients, this.held]);
    this.reference.dispose();
  }
}

/** Everything a run does on the GPU up to the end of its first step. @param input without a state: a dry run must not assign parameters */
async function rehearse(input: TrainInput): Promise<void> {
  const reference = await BaseReference.create(input.base, input.rows, input.config, input.signal);
  const run = new Run(input, reference, '');
  try {
    run.rehearse();
  } finally {
    run.dispose();
  }
}

/**
 * Prepares a run: GPU programs, base log probabilities of the unsafe rows, optimizer, state. Takes one forward pass over these rows.
 * @throws EngineError bad-argument if `state` belongs to other settings or rows, bad-file if it does not fit the LM,
 *   cancelled if the signal is aborted meanwhile
 */
export async function openTrainer(input: TrainInput): Promise<Trainer> {
  const fingerprint = runFingerprint(input.config, input.rows);
  if (input.state && input.state.fingerprint !== fingerprint)
    throw new EngineError('bad-argument', 'The saved training state belongs to other settings or other rows, so the run cannot go on from it. Start a new run.');
  const { state: _, ...fresh } = input;
  await compilePipelines(() => rehearse(fresh), input.onCompile);
  const reference = await BaseReference.create(input.base, input.rows, input.config, input.signal);
  try {
    return new Run(input, reference, fingerprint);
  } catch (error) {
    reference.dispose();
    throw error;
  }
}

/**
 * The whole run as a generator: one StepMetrics an optimizer step; returns the state after the last complete step,
 * also when the signal stops it early.
 * @throws EngineError as openTrainer and nextStep
 */
export async function* train(input: TrainInput): AsyncGenerator<StepMetrics, TrainState> {
  const trainer = await openTrainer(input);
  try {
    while (!trainer.finished) {
      const metrics = await trainer.nextStep(input.signal);
      if (!metrics) break;
      yield metrics;
    }
    return await trainer.captureState();
  } finally {
    trainer.dispose();
  }
}
