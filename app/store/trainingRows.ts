/** The rows a run may draw from, out of the person's project. Pure. Only the `curate` split is ever trained on. */
import type { TrainingData, TrainingPair } from '../../src/records/run.ts';
import type { Prompt, PromptSet } from '../../src/records/prompt.ts';
import type { Project } from './project/project.ts';

/** Unsafe responses as a person labelled them, and benign prompts with their reference answers. The same pair counts once. */
export function collectTrainingRows(project: Pick<Project, 'prompts' | 'responses' | 'curations'>): TrainingData {
  const prompts = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  const unsafe = new Map<string, TrainingPair>();
  for (const response of project.responses) {
    const curation = project.curations[response.id];
    const prompt = prompts.get(response.promptId);
    if (curation?.label !== 'unsafe' || curation.discarded || prompt?.split !== 'curate' || response.text.trim() === '') continue;
    unsafe.set(JSON.stringify([prompt.text, response.text]), pair(prompt, response.text));
  }
  const benign = (set: PromptSet): TrainingPair[] =>
    project.prompts.flatMap((prompt) => (prompt.set === set && prompt.split === 'curate' && prompt.reference?.trim() ? [pair(prompt, prompt.reference)] : []));
  return { unsafe: [...unsafe.values()], everyday: benign('everyday'), borderline: benign('borderline') };
}

/** Prompts of the validation split: what checkpoints are chosen by. */
export function collectValidation(project: Pick<Project, 'prompts'>): Prompt[] {
  return project.prompts.filter((prompt) => prompt.split === 'validation');
}

export function countSets(prompts: readonly Prompt[]): Record<PromptSet, number> {
  const counts: Record<PromptSet, number> = { harmful: 0, borderline: 0, everyday: 0 };
  for (const prompt of prompts) counts[prompt.set] += 1;
  return counts;
}

function pair(prompt: Prompt, response: string): TrainingPair {
  return prompt.intent === undefined ? { prompt: prompt.text, response } : { prompt: prompt.text, response, intent: prompt.intent };
}
