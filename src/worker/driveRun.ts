/**
 * Drives one run from where it stands to its end: steps, evaluations, checkpoints, resumable states, the choice of the best step.
 * Every file is written in an order that leaves a resumable run whenever the page closes. Not for the optimizer step itself (train).
 */
import { EngineError, toFailure } from '../base/errors.ts';
import { encodeTrainingData } from '../data/encodeTrainingData.ts';
import { chooseBest } from '../evaluate/bestCheckpoint.ts';
import { evaluationPointOf } from '../evaluate/evaluate.ts';
import { type LanguageModel, readParams } from '../lm/params.ts';
import type { RunRecord } from '../records/run.ts';
import { openTrainer, type TakenStep, type Trainer } from '../train/trainer.ts';
import { encodeTrainState, type TrainState } from '../train/trainState.ts';
import { encodeAdapter } from './adapterCheckpoint.ts';
import { encodeCheckpoint } from './checkpointFile.ts';
import { type EngineState, requireBackend, requireModel } from './engineState.ts';
import { runEvaluation } from './evaluation.ts';
import type { JobControl } from './jobRunner.ts';
import { openTrained } from './openTrained.ts';
import { summaryOf } from './runSummary.ts';
import type { TrainInput } from './runStore.ts';
import { createTrainClock } from './trainClock.ts';

export interface DriveInput {
  /** Consumed: the record of the run as it stands. */
  record: RunRecord;
  input: TrainInput;
  /** Null at the start. */
  trainState: TrainState | null;
}

/**
 * @returns the record of the ended run: completed, or stopped
 * @throws what stopped it; the record then says failed, or stopped if the job was cancelled, and the run can be resumed
 */
export async function driveRun(state: EngineState, control: JobControl, { record, input, trainState }: DriveInput): Promise<RunRecord> {
  const { runs, emit, host } = state;
  const { backend } = requireBackend(state);
  const model = requireModel(state);
  const { config } = input;
  const runId = record.id;
  const clock = createTrainClock(config.maxSteps, config.evalSteps, record.evaluations.length);

  async function change(fields: Partial<RunRecord>): Promise<void> {
    record = { ...record, ...fields, updatedAt: host.timestamp() };
    await runs.writeRecord(record);
    emit({ type: 'runChanged', run: summaryOf(record) });
  }

  async function evaluateHere(lm: LanguageModel): Promise<void> {
    const { step } = record;
    if (record.evaluations.some((point) => point.step === step)) return;
    const startedMs = host.now();
    const report = await runEvaluation(state, control, {
      lm,
      fingerprint: `${runId}@${step}`,
      prompts: input.validation,
      split: 'validation',
      config: input.evaluation,
      lexicon: input.lexicon,
      humanLabels: input.humanLabels,
      onProgress: ({ done, total, phase }) =>
        control.progress({ phase: `evaluating step ${step}: ${phase} ${done}/${total}`, done: step, total: config.maxSteps, unit: 'steps', etaMs: clock.etaMs(step, total > 0 ? done / total : 0) }),
    });
    clock.evaluated(host.now() - startedMs);
    const point = evaluationPointOf(step, report);
    await runs.writeCheckpoint(runId, step, lm.adapter ? encodeAdapter(lm.config, await readParams(lm)) : encodeCheckpoint(await readParams(lm)));
    const evaluations = [...record.evaluations, point];
    const best = chooseBest(evaluations, config.checkpointRule);
    await change({ evaluations, checkpointSteps: await runs.checkpointSteps(runId), bestStep: best?.step ?? null, bestReason: best?.reason ?? null });
    emit({ type: 'evaluated', jobId: control.jobId, runId, point });
  }

  /** The record goes first: a state must never be ahead of it. */
  async function save(trainer: Trainer): Promise<void> {
    if (record.savedStep === trainer.step) return;
    await runs.writeRecord(record);
    await runs.writeState(runId, trainer.step, encodeTrainState(await trainer.captureState()));
    record = { ...record, savedStep: trainer.step };
    emit({ type: 'runChanged', run: summaryOf(record) });
  }

  const underWay: TakenStep[] = [];

  async function log({ metrics }: TakenStep): Promise<void> {
    const { step, ...rest } = await metrics;
    clock.stepped(rest.elapsedMs - (record.metrics.at(-1)?.elapsedMs ?? 0));
    record = { ...record, step, metrics: [...record.metrics, { step, ...rest }] };
    emit({ type: 'stepsLogged', jobId: control.jobId, runId, steps: [{ step, ...rest }] });
    control.progress({ phase: 'training', done: step, total: config.maxSteps, unit: 'steps', etaMs: clock.etaMs(step), tokensPerSecond: rest.tokensPerSecond });
  }

  /** Waits for the steps that the device still has; the record is then as far as the trainer. */
  async function catchUp(): Promise<void> {
    for (let taken = underWay.shift(); taken; taken = underWay.shift()) await log(taken);
    await backend.assertHealthy();
  }

  /** On a GPU the losses of a step are read while it computes the next one; elsewhere they are there at once. */
  async function takeStep(trainer: Trainer): Promise<boolean> {
    const taken = await trainer.takeStep(control.stopSignal);
    if (taken) underWay.push(taken);
    if (!taken || backend.backend !== 'webgpu') await catchUp();
    else if (underWay.length > 1) await log(underWay.shift()!);
    return taken !== null;
  }

  /** A paused run may wait for days, and the page may close meanwhile. */
  async function waitOutPause(trainer: Trainer): Promise<void> {
    await catchUp();
    await save(trainer);
    await change({ status: 'paused' });
    await control.turn();
    await change({ status: 'running' });
  }

  async function loop(trainer: Trainer, lm: LanguageModel): Promise<void> {
    await evaluateHere(lm);
    while (!trainer.finished && !control.stopRequested) {
      if (control.pauseRequested) await waitOutPause(trainer);
      else await control.turn();
      if (control.stopRequested || !(await takeStep(trainer))) break;
      const { step } = trainer;
      const [evaluates, saves] = [step % config.evalSteps === 0 || trainer.finished, step % config.saveSteps === 0 || trainer.finished];
      if (evaluates || saves) await catchUp();
      if (evaluates) await evaluateHere(lm);
      if (saves) await save(trainer);
    }
    await catchUp();
    control.signal.throwIfAborted();
    // Stopped between two evaluations: the last step gets its own, so that it can be kept.
    await evaluateHere(lm);
    await save(trainer);
  }

  const lm = await openTrained(model.base, config);
  let trainer: Trainer | null = null;
  try {
    const rows = encodeTrainingData(input.data, model.tokenizer, config);
    trainer = await openTrainer({
      lm,
      base: model.base,
      rows,
      config,
      onCompile: (compiled) => control.progress({ phase: 'compiling kernels', ...compiled, unit: 'kernels' }),
      ...(trainState ? { state: trainState } : {}),
    });
    if (!trainState) await runs.writeInput(runId, input);
    await change({});
    await loop(trainer, lm);
    await change({ status: trainer.finished ? 'completed' : 'stopped' });
    return record;
  } catch (thrown) {
    const failure = toFailure(control.signal.aborted ? control.signal.reason : thrown);
    // Nothing was written yet when the input itself was at fault.
    if (trainer) await change(failure.code === 'cancelled' ? { status: 'stopped' } : { status: 'failed', failure });
    throw thrown instanceof EngineError ? thrown : new EngineError(failure.code, failure.message, { cause: thrown });
  } finally {
    trainer?.dispose();
    lm.dispose();
    backend.trimPool();
  }
}
