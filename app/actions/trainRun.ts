/** Starting, resuming, renaming and deleting runs. The run itself lives in the engine; the mirror shows what it says. */
import { toFailure } from '../../src/base/errors.ts';
import { parseTrainConfig, type TrainConfig } from '../../src/config/train.ts';
import type { EvaluationConfig } from '../../src/config/evaluation.ts';
import type { JudgeLexicon } from '../../src/records/judgeLexicon.ts';
import type { RunRecord } from '../../src/records/run.ts';
import { collectHumanLabels } from '../store/answerLabels.ts';
import { studio } from '../store/studio.ts';
import { collectTrainingRows, collectValidation } from '../store/trainingRows.ts';
import { fetchJudgeLexicon } from './builtInData.ts';
import { runJob } from './engine.ts';

/** Settings of the evaluations during training: as on the Evaluate page, but with their own number of prompts. */
export function validationConfig(): EvaluationConfig {
  const { evaluate, pages } = studio.getState().drafts;
  return { ...evaluate.config, promptsPerSet: readValidationSize(pages) };
}

/** Prompts of each set in an evaluation during training; 0 takes all. */
export function readValidationSize(pages: Readonly<Record<string, unknown>>): number {
  const size = pages.trainValidationPerSet;
  return typeof size === 'number' && Number.isInteger(size) && size >= 0 ? size : 0;
}

export function setValidationSize(promptsPerSet: number): void {
  studio.edit('pages', { ...studio.getState().drafts.pages, trainValidationPerSet: promptsPerSet });
}

/** How many of the base LM's own answers set the coherence threshold, in training and on Evaluate alike: both must call the same answers gibberish. */
export function setCoherenceSamples(coherenceSamples: number): void {
  studio.edit('evaluate', { config: { ...studio.getState().drafts.evaluate.config, coherenceSamples } });
}

/**
 * Starts a run on the curated rows.
 * @param name of the run
 * @param options.config other settings than the draft's
 * @param options.onStart gets the job's id
 * @returns the finished run, or null if it failed or was cancelled (the person has been told)
 */
export async function startTraining(name: string, options: { config?: TrainConfig; onStart?: (jobId: string) => void } = {}): Promise<RunRecord | null> {
  const { project, drafts } = studio.getState();
  let config;
  try {
    config = parseTrainConfig(options.config ?? drafts.train.config);
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'These settings cannot be used', detail: toFailure(thrown).message });
    return null;
  }
  const params = {
    name,
    config,
    data: collectTrainingRows(project),
    validation: collectValidation(project),
    evaluation: validationConfig(),
    lexicon: await lexiconOrNotice(),
    humanLabels: collectHumanLabels(project),
  };
  // The next run gets a fresh name.
  studio.edit('train', { name: '' });
  return tellEnd(await runJob('train', params, options.onStart));
}

/** Goes on with a run from its last saved state. */
export async function resumeRun(runId: string, onStart?: (jobId: string) => void): Promise<RunRecord | null> {
  return tellEnd(await runJob('resumeRun', { runId }, onStart));
}

/** Deletes a run with its weights, for good: the caller asks first. */
export async function deleteRun(runId: string): Promise<boolean> {
  const name = studio.getState().mirror.runs.byId[runId]?.name ?? 'The run';
  const deleted = await runJob('deleteRun', { runId });
  if (deleted) studio.notify({ tone: 'neutral', title: `${name} was deleted` });
  return deleted !== null;
}

export async function renameRun(runId: string, name: string): Promise<boolean> {
  return (await runJob('renameRun', { runId, name: name.trim() })) !== null;
}

/** The judge of the built-in world; without it answers are judged by patterns alone, and the person is told. */
export async function lexiconOrNotice(): Promise<JudgeLexicon | null> {
  try {
    return await fetchJudgeLexicon();
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'The judge’s phrases could not be loaded; answers are judged by patterns alone', detail: toFailure(thrown).message });
    return null;
  }
}

/** Says how a run ended; failures are told by their event. */
function tellEnd(run: RunRecord | null): RunRecord | null {
  if (run) {
    const best = run.bestStep === null ? 'No step was chosen as the best one.' : `Best step: ${run.bestStep}.`;
    studio.notify({ tone: 'safe', title: `${run.name} ${run.status === 'stopped' ? 'was stopped' : 'is trained'}`, detail: best });
  }
  return run;
}
