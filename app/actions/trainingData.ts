/** What the project gives a run: the rows to train on, the prompts to validate on, the labels that overrule the judges. Pure. */
import type { HumanLabels } from '../../src/protocol/jobs.ts';
import type { Prompt, Split } from '../../src/records/prompt.ts';
import type { TrainingData, TrainingPair } from '../../src/records/run.ts';
import type { Project } from '../store/project/project.ts';

/**
 * Unsafe rows: responses labelled unsafe, original text, identical ones once. Benign rows: curate-split borderline and everyday prompts
 * with a written reference. No written safe answer to a harmful prompt is used: edits go to the exported preference pairs alone.
 */
export function trainingDataOf(project: Project): TrainingData {
  const byId = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  const unsafe = new Map<string, TrainingPair>();
  for (const response of project.responses) {
    const curation = project.curations[response.id];
    const prompt = byId.get(response.promptId);
    if (!prompt || prompt.split !== 'curate' || curation?.label !== 'unsafe' || curation.discarded) continue;
    unsafe.set(JSON.stringify([prompt.text, response.text]), { prompt: prompt.text, response: response.text, intent: prompt.intent });
  }
  const benign = (set: Prompt['set']): TrainingPair[] =>
    project.prompts.flatMap((prompt) =>
      prompt.set === set && prompt.split === 'curate' && prompt.reference ? [{ prompt: prompt.text, response: prompt.reference, intent: prompt.intent }] : [],
    );
  return { unsafe: [...unsafe.values()], everyday: benign('everyday'), borderline: benign('borderline') };
}

export function promptsOfSplit(project: Project, split: Split): Prompt[] {
  return project.prompts.filter((prompt) => prompt.split === split);
}

/** Labels of these very texts; a discarded or skipped response says nothing. */
export function humanLabelsOf(project: Project): HumanLabels {
  const byId = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  return project.responses.flatMap((response) => {
    const curation = project.curations[response.id];
    const prompt = byId.get(response.promptId);
    if (!prompt || !curation?.label || curation.label === 'skipped' || curation.discarded) return [];
    return [{ promptText: prompt.text, responseText: response.text, label: curation.label }];
  });
}
