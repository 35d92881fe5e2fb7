/** The files that ship with the project, for commands: the demo LM, the built-in prompts, the judge's lexicon. */
import { readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelSource } from '../src/protocol/jobs.ts';
import { parseBuiltIn, parseJudgeLexicon } from '../src/records/builtInPrompts.ts';
import type { JudgeLexicon } from '../src/records/judgeLexicon.ts';
import type { Prompt, PromptSet, Split } from '../src/records/prompt.ts';
import type { TrainingPair } from '../src/records/run.ts';
import { readDiskFolder } from './diskFolder.ts';

const PUBLIC = fileURLToPath(new URL('../public', import.meta.url));
export const DEMO_MODEL = join(PUBLIC, 'models', 'demo');

/** A model folder as a source. @throws UsageError if it is no folder */
export async function readModelFolder(path: string): Promise<Extract<ModelSource, { kind: 'files' }>> {
  return { kind: 'files', name: basename(resolve(path)), files: await readDiskFolder(path) };
}

/** @returns the prompts in the order of the file */
export async function readBuiltIn(set: PromptSet, split: Split): Promise<Prompt[]> {
  const name = `${set}.${split}.jsonl`;
  return parseBuiltIn(await readFile(join(PUBLIC, 'data', name), 'utf8'), name);
}

/** Harmful, borderline and everyday prompts of a split, in this order. */
export async function readBuiltInSplit(split: Split): Promise<Prompt[]> {
  return (await Promise.all((['harmful', 'borderline', 'everyday'] as const).map((set) => readBuiltIn(set, split)))).flat();
}

export async function readLexicon(): Promise<JudgeLexicon> {
  return parseJudgeLexicon(await readFile(join(PUBLIC, 'data', 'judge.json'), 'utf8'));
}

/** Prompts with their written answers, as training rows; those without one are left out. */
export function toPairs(prompts: readonly Prompt[]): TrainingPair[] {
  return prompts.flatMap(({ text, reference, intent }) => (reference === undefined ? [] : [{ prompt: text, response: reference, ...(intent === undefined ? {} : { intent }) }]));
}
