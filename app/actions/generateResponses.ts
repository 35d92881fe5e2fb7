/** Generating responses with the base LM. A plan is kept while it runs, so that a reload can go on where it stopped. */
import { toFailure } from '../../src/base/errors.ts';
import type { GenerationConfig } from '../../src/config/generation.ts';
import type { JudgeLexicon } from '../../src/records/judgeLexicon.ts';
import type { Prompt } from '../../src/records/prompt.ts';
import type { Project } from '../store/project/project.ts';
import { studio } from '../store/studio.ts';
import { fetchJudgeLexicon } from './builtInData.ts';
import { runJob } from './engine.ts';

export interface GenerationPlan {
  promptIds: string[];
  samplesPerPrompt: number;
  config: GenerationConfig;
  /** Responses each prompt had before the plan began, by prompt id. */
  before: Record<string, number>;
}

/**
 * Prompts that the generate settings choose. Only harmful ones, as complying is unsafe there alone and the judge's suggestions say so;
 * only the `curate` split, as the others are for measuring.
 */
export function choosePrompts(project: Project, choice: 'all' | 'first' | 'selected', firstCount: number, selected: readonly string[]): Prompt[] {
  const harmful = project.prompts.filter((prompt) => prompt.set === 'harmful' && prompt.split === 'curate');
  if (choice === 'all') return harmful;
  if (choice === 'first') return spreadOverIntents(harmful).slice(0, firstCount);
  const wanted = new Set(selected);
  return harmful.filter((prompt) => wanted.has(prompt.id));
}

/** One prompt of each intent first, then a second of each, and so on: variety decides how far safety transfers. */
export function spreadOverIntents(prompts: readonly Prompt[]): Prompt[] {
  const seen = new Map<string, number>();
  const rounds = prompts.map((prompt, index) => {
    const key = prompt.intent ?? prompt.id;
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    return { prompt, round, index };
  });
  return rounds.sort((a, b) => a.round - b.round || a.index - b.index).map(({ prompt }) => prompt);
}

/** Generates the chosen number of responses to each of these prompts. @returns whether it ran to an end */
export async function generateResponses(prompts: readonly Prompt[]): Promise<boolean> {
  const { samplesPerPrompt, config } = studio.getState().drafts.generate;
  const counts = countByPrompt(studio.getState().project);
  const plan: GenerationPlan = {
    promptIds: prompts.map((prompt) => prompt.id),
    samplesPerPrompt,
    config,
    before: Object.fromEntries(prompts.flatMap((prompt) => (counts.get(prompt.id) ? [[prompt.id, counts.get(prompt.id)!]] : []))),
  };
  studio.edit('pages', { generationPlan: plan });
  return carryOut(plan);
}

/** What a plan still lacks. Prompts that were deleted meanwhile are left out. */
export function missingOf(plan: GenerationPlan, project: Project): { prompt: Prompt; missing: number }[] {
  const counts = countByPrompt(project);
  const byId = new Map(project.prompts.map((prompt) => [prompt.id, prompt]));
  return plan.promptIds.flatMap((id) => {
    const prompt = byId.get(id);
    const missing = plan.samplesPerPrompt - ((counts.get(id) ?? 0) - (plan.before[id] ?? 0));
    return prompt && missing > 0 ? [{ prompt, missing }] : [];
  });
}

/** The plan that a reload or an error interrupted, or null. */
export function interruptedPlan(pages: Record<string, unknown>): GenerationPlan | null {
  return (pages.generationPlan as GenerationPlan | null | undefined) ?? null;
}

/** Goes on with an interrupted plan. */
export async function continueGeneration(): Promise<boolean> {
  const plan = interruptedPlan(studio.getState().drafts.pages);
  return plan ? carryOut(plan) : false;
}

export function dropPlan(): void {
  studio.edit('pages', { generationPlan: null });
}

/** One more response to a prompt, with the next seed. @returns its id, or null if there is none */
export async function regenerateResponse(promptId: string): Promise<string | null> {
  const { project, drafts } = studio.getState();
  const prompt = project.prompts.find((candidate) => candidate.id === promptId);
  if (!prompt) return null;
  const taken = countByPrompt(project).get(promptId) ?? 0;
  const result = await ask([prompt], 1, { ...drafts.generate.config, seed: drafts.generate.config.seed + taken });
  return result?.responses[0]?.id ?? null;
}

async function carryOut(plan: GenerationPlan): Promise<boolean> {
  // Prompts that lack the same number go together: one job each, usually one in all.
  const groups = new Map<number, Prompt[]>();
  for (const { prompt, missing } of missingOf(plan, studio.getState().project)) groups.set(missing, [...(groups.get(missing) ?? []), prompt]);
  const counts = countByPrompt(studio.getState().project);
  for (const [missing, prompts] of groups) {
    // A prompt that has responses needs another seed, or it would get the same ones again.
    const had = Math.max(...prompts.map((prompt) => counts.get(prompt.id) ?? 0));
    const result = await ask(prompts, missing, { ...plan.config, seed: plan.config.seed + had });
    if (!result) return false;
    if (result.stopped) break;
  }
  dropPlan();
  return true;
}

async function ask(prompts: readonly Prompt[], samplesPerPrompt: number, config: GenerationConfig) {
  let lexicon: JudgeLexicon | null = null;
  try {
    lexicon = await fetchJudgeLexicon();
  } catch (thrown) {
    studio.notify({ tone: 'unsafe', title: 'No suggestions: the judge could not be loaded', detail: toFailure(thrown).message });
  }
  return runJob('generate', { prompts: prompts.map(({ id, text }) => ({ id, text })), samplesPerPrompt, config, weights: { kind: 'base' }, lexicon });
}

function countByPrompt(project: Project): Map<string, number> {
  const counts = new Map<string, number>();
  for (const response of project.responses) counts.set(response.promptId, (counts.get(response.promptId) ?? 0) + 1);
  return counts;
}
