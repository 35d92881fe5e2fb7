/**
 * The training loop: draws micro-batches, adds up gradients, clips, steps AdamW, reports. Same seed, same losses;
 * a resumed run goes on as if it had never stopped. Not for evaluation, checkpoint files or pausing: who drives the
 * loop does that between steps.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import { nextMacrotask } from '../base/macrotask.ts';
import type { TrainConfig } from '../config/train.ts';
import { createBatch } from '../data/batches.ts';
import type { EncodedTrainingData } from '../data/encodeTrainingData.ts';
import { type CompileProgress, compilePipelines } from '../kernels/compilePipelines.ts';
import { clipScale } from '../kernels/sumSquares/sumSquares.ts';
import { assignParams, type LanguageModel, readParams } from '../lm/params.ts';
import { AdamW } from '../optim/adamW.ts';
import { readTensor } from '../optim/readTensor.ts';
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

/** A run between two steps. `nextStep` and `captureState` must not overlap. */
export interface Trainer {
  /** Optimizer steps done. */
  readonly step: number;
  /** Whether all steps are done. */
  readonly finished: boolean;
  /**
   * Takes one optimizer step.
   * @returns its metrics, or null if the signal was aborted before the step was complete: then nothing has changed
   * @throws EngineError bad-config if loss or gradient is not finite: then the weights are still those of the last step
   */
  nextStep(signal?: AbortSignal): Promise<StepMetrics | null>;
  /** Copies everything needed to go on later to the host. */
  captureState(): Promise<TrainState>;
  /** Frees what the trainer made; the LMs stay. */
  dispose(): void;
}

function restoreParams(lm: LanguageModel, state: TrainState): void {
  for (const [name, { shape }] of lm.layout.places)
    if (state.params.get(name)?.data.length !== tf.util.sizeFromShape(shape)) throw new EngineError('bad-file', `Training state: parameter ${name} is missing or has the wrong size.`);
  assignParams(lm, state.params);
}

class Run implements Trainer {
  step = 0;
  private elapsedMs = 0;
  private readonly optimizer: AdamW;
  /** Sums of the micro-batches' gradients; zeros between two steps. */
  private readonly gradients: tf.Variable;

  constructor(
    private readonly input: TrainInput,
    private readonly reference: BaseReference,
    private readonly fingerprint: string,
  ) {
    this.optimizer = new AdamW(input.lm, input.config);
    this.gradients = tf.tidy(() => tf.variable(tf.zeros([input.lm.layout.size]), false));
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

  /** The GPU work of one step with nothing done about its results; for dry runs, as it would change the weights. */
  rehearse(): void {
    const { lm, rows, config } = this.input;
    const batch = createBatch(rows, config, this.step * config.gradientAccumulationSteps);
    const terms = addGradients(lm, this.reference, batch, config, this.gradients);
    const { clip, report } = this.reportOn([terms]);
    this.optimizer.step(this.gradients, clip, 0, 1);
    tf.dispose([terms, clip, report]);
  }

  async nextStep(signal?: AbortSignal): Promise<StepMetrics | null> {
    const { lm, rows, config } = this.input;
    const started = performance.now();
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
        allTerms.push(addGradients(lm, this.reference, batch, config, this.gradients));
        tokens += batch.tokens;
      }
      const metrics = await this.applyGradients(allTerms, step);
      applied = true;
      this.step = step;
      const stepMs = performance.now() - started;
      this.elapsedMs += stepMs;
      return { ...metrics, step, elapsedMs: this.elapsedMs, tokens, tokensPerSecond: (1000 * tokens) / stepMs };
    } finally {
      tf.dispose(allTerms);
      // An optimizer step leaves zeros; a step that was not taken must not leave its gradients to the next one.
      if (!applied) tf.tidy(() => this.gradients.assign(tf.zeros([lm.layout.size])));
    }
  }

  private reportOn(allTerms: tf.Tensor1D[]): { clip: tf.Tensor1D; report: tf.Tensor1D } {
    const clip = clipScale(this.gradients, this.input.config.maxGradNorm, allTerms.length) as tf.Tensor1D;
    return { clip, report: tf.tidy(() => tf.concat([...allTerms, clip])) };
  }

  /** One read-back a step, before the update, so that a loss that is not finite never reaches the weights. */
  private async applyGradients(allTerms: tf.Tensor1D[], step: number) {
    const { config } = this.input;
    const { clip, report } = this.reportOn(allTerms);
    try {
      const values = await readTensor(report);
      const terms = Object.fromEntries(
        termNames.map((name, t) => [name, allTerms.reduce((sum, _, i) => sum + values[i * termNames.length + t]!, 0) / allTerms.length]),
      ) as Record<(typeof termNames)[number], number>;
      const gradNorm = values.at(-2)!;
      const bad = Object.entries({ ...terms, gradNorm }).find(([, value]) => !Number.isFinite(value));
      if (bad)
        throw new EngineError('bad-config', `Training stopped at step ${step}: ${bad[0]} is ${bad[1]}. The weights of step ${step - 1} are unharmed. Lower learningRate or semanticLambda.`);
      const learningRate = learningRateAt(step, config);
      this.optimizer.step(this.gradients, clip, learningRate, step);
      return { ...terms, gradNorm, learningRate };
    } finally {
      tf.dispose([clip, report]);
    }
  }

  async captureState(): Promise<TrainState> {
    const params = await readParams(this.input.lm);
    return { step: this.step, elapsedMs: this.elapsedMs, fingerprint: this.fingerprint, params, moments: await this.optimizer.captureMoments() };
  }

  dispose(): void {
    this.optimizer.dispose();
    this.gradients.dispose();
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
