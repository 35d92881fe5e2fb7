/** Measuring base and tuned weights on the same prompts, and keeping the reports. */
import type { EvaluationReport } from '../../src/records/evaluation.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Label } from '../../src/records/response.ts';
import { answerKey, collectHumanLabels } from '../store/answerLabels.ts';
import type { Project, SavedReport } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';
import { runJob } from './engine.ts';
import { lexiconOrNotice } from './trainRun.ts';

/** Prompts of an evaluation. `custom` takes the person's own prompts of any split. */
export function collectEvaluationPrompts(project: Pick<Project, 'prompts'>, split: EvaluationReport['split']): Prompt[] {
  return project.prompts.filter((prompt) => (split === 'custom' ? prompt.source !== 'built-in' : prompt.split === split));
}

/** What people call a run's weights: "calm-otter, step 50". */
export function titleOfWeights(runName: string, step: number | 'best' | 'last' | 'imported', bestStep: number | null, strength = 1): string {
  if (strength !== 1) return `${titleOfWeights(runName, step, bestStep)}, strength ${strength.toFixed(2)}`;
  if (step === 'best') return bestStep === null ? `${runName}, best` : `${runName}, step ${bestStep} (best)`;
  if (step === 'imported') return `${runName} (imported)`;
  return step === 'last' ? `${runName}, last step` : `${runName}, step ${step}`;
}

/**
 * Evaluates the base LM and a run's weights on the same prompts and keeps both reports under one evaluation id.
 * @param strength of a LoRA run's adapter: 1 as it was trained, 0 the base LM
 * @returns the evaluation's id, or null if it failed or was cancelled
 */
export async function evaluateRun(
  runId: string,
  step: number | 'best' | 'last',
  split: EvaluationReport['split'],
  strength = 1,
  onStart?: (jobId: string) => void,
): Promise<string | null> {
  const { project, mirror, drafts } = studio.getState();
  const run = mirror.runs.byId[runId];
  const model = mirror.model;
  if (!run || !model) return null;
  const weights: SavedReport['weights'][] = [{ kind: 'base' }, { kind: 'run', runId, step, ...(strength === 1 ? {} : { strength }) }];
  const reports = await runJob(
    'evaluate',
    {
      weights,
      prompts: collectEvaluationPrompts(project, split),
      split,
      config: drafts.evaluate.config,
      lexicon: await lexiconOrNotice(),
      humanLabels: collectHumanLabels(project),
    },
    onStart,
  );
  if (!reports) return null;
  const evaluationId = crypto.randomUUID();
  const createdAt = new Date().toISOString();
  const titles = ['base', run.imported ? titleOfWeights(run.name, 'imported', null, strength) : titleOfWeights(run.name, step, run.bestStep, strength)];
  studio.record({
    type: 'added',
    collection: 'reports',
    documents: reports.map((report, i) => ({
      id: `${evaluationId}-${i}`,
      evaluationId,
      createdAt,
      modelId: model.id,
      modelName: model.name,
      weights: weights[i] as SavedReport['weights'],
      title: titles[i] as string,
      report,
    })),
  });
  return evaluationId;
}

/** Labels an evaluated answer: it overrules the judges wherever this text answers this prompt. Null takes the label away. */
export function labelAnswer(prompt: string, response: string, label: Label | null): void {
  const responseId = answerKey(prompt, response);
  studio.commit(label ? 'Label an evaluated answer' : 'Take an answer’s label away', {
    type: 'curationsSet',
    curations: [{ responseId, curation: label ? { responseId, label, updatedAt: new Date().toISOString() } : null }],
  });
}

/** Forgets an evaluation; can be undone. */
export function removeEvaluation(evaluationId: string): void {
  const ids = studio.getState().project.reports.filter((saved) => saved.evaluationId === evaluationId).map((saved) => saved.id);
  studio.commit('Delete an evaluation', { type: 'removed', collection: 'reports', ids });
  studio.notify({ tone: 'neutral', title: 'Evaluation deleted', offersUndo: true });
}
