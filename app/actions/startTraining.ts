/** Starts a fine-tuning run with the draft settings on what the project holds. */
import { toFailure } from '../../src/base/errors.ts';
import { parseTrainConfig } from '../../src/config/train.ts';
import type { RunRecord } from '../../src/records/run.ts';
import { studio } from '../store/studio.ts';
import { fetchJudgeLexicon } from './builtInData.ts';
import { runJob } from './engine.ts';
import { humanLabelsOf, promptsOfSplit, trainingDataOf } from './trainingData.ts';

/** @returns the run as it ended, or null if it failed or was cancelled (told by notice) */
export async function startTraining(name: string): Promise<RunRecord | null> {
  const { drafts, project } = studio.getState();
  try {
    const config = parseTrainConfig(drafts.train.config);
    const lexicon = await fetchJudgeLexicon();
    return await runJob('train', {
      name,
      config,
      data: trainingDataOf(project),
      validation: promptsOfSplit(project, 'validation'),
      evaluation: drafts.evaluate.config,
      lexicon,
      humanLabels: humanLabelsOf(project),
    });
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'Training could not start', detail: toFailure(thrown).message });
    return null;
  }
}

/** Goes on with a stopped, failed or interrupted run from its last saved step. */
export function resumeRun(runId: string): Promise<RunRecord | null> {
  return runJob('resumeRun', { runId });
}

export async function deleteRun(runId: string): Promise<boolean> {
  return (await runJob('deleteRun', { runId })) !== null;
}
