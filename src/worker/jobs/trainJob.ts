/** Starts a run, or goes on with one: checks what it is given, writes the record, and leaves the rest to `driveRun`. */
import { EngineError } from '../../base/errors.ts';
import { parseTrainConfig } from '../../config/train.ts';
import { decodeTrainState } from '../../train/trainState.ts';
import type { RunRecord } from '../../records/run.ts';
import { type EngineState, requireBackend, requireModel } from '../engineState.ts';
import type { JobBody, JobControl } from '../jobRunner.ts';
import { type DriveInput, driveRun } from '../driveRun.ts';
import type { TrainInput } from '../runStore.ts';
import { setChatTemplate } from './setChatTemplateJob.ts';
import { sha256OfJson } from '../sha256.ts';
import { assertSameBase } from '../weights.ts';

/** One run at a time, awake while it trains. */
function driveAlone(state: EngineState, control: JobControl, input: DriveInput): Promise<RunRecord> {
  state.openRunId = input.record.id;
  return state.host.holdAwake('sidestep-training', () => driveRun(state, control, input)).finally(() => (state.openRunId = null));
}

export const trainJob =
  (state: EngineState): JobBody<'train'> =>
  async (params, control) => {
    const model = requireModel(state);
    const { view } = requireBackend(state);
    const input: TrainInput = { ...params, config: parseTrainConfig(params.config) };
    if (input.validation.some((prompt) => prompt.split === 'test'))
      throw new EngineError('bad-argument', 'Test prompts must not choose a checkpoint: give validation prompts to a run.');
    const { unsafe, everyday, borderline } = input.data;
    const at = state.host.timestamp();
    const record: RunRecord = {
      id: crypto.randomUUID(),
      name: input.name,
      status: 'running',
      modelId: model.view.id,
      baseFingerprint: model.view.fingerprint,
      chatTemplate: model.tokenizer.chatTemplate,
      backend: view.backend,
      config: input.config,
      data: { unsafe: unsafe.length, everyday: everyday.length, borderline: borderline.length, sha256: await sha256OfJson(input.data) },
      step: 0,
      bestStep: null,
      bestReason: null,
      checkpointSteps: [],
      savedStep: null,
      metrics: [],
      evaluations: [],
      createdAt: at,
      updatedAt: at,
    };
    return driveAlone(state, control, { record, input, trainState: null });
  };

export const resumeRunJob =
  (state: EngineState): JobBody<'resumeRun'> =>
  async ({ runId }, control) => {
    const { view } = requireBackend(state);
    const stored = await state.runs.readRecord(runId);
    assertSameBase(stored, requireModel(state).view.fingerprint);
    if (stored.status === 'completed') throw new EngineError('bad-argument', `The run "${stored.name}" is complete: there is nothing to resume.`);
    const input = await state.runs.readInput(runId);
    const saved = await state.runs.readState(runId);
    const trainState = saved ? decodeTrainState(saved.bytes) : null;
    const step = trainState?.step ?? 0;
    // Rows and evaluations must look as they did before: the studio sees the template change by modelLoaded.
    if (stored.chatTemplate) setChatTemplate(state, stored.chatTemplate);
    // What came after the saved state will be trained again, and gives the same numbers.
    await state.runs.removeAfter(runId, step);
    const { failure: _failure, ...rest } = stored;
    const record: RunRecord = {
      ...rest,
      status: 'running',
      backend: view.backend,
      step,
      checkpointSteps: await state.runs.checkpointSteps(runId),
      savedStep: saved?.step ?? null,
      metrics: stored.metrics.filter((metrics) => metrics.step <= step),
      evaluations: stored.evaluations.filter((point) => point.step <= step),
    };
    return driveAlone(state, control, { record, input, trainState });
  };
