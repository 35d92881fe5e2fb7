/** The files that ship with the project, for commands: the demo LM, the built-in prompts, the judge's lexicon. */
import { openAsBlob } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ModelSource } from '../src/protocol/jobs.ts';
import { parseBuiltIn, parseJudgeLexicon } from '../src/records/builtInPrompts.ts';
import type { JudgeLexicon } from '../src/records/judgeLexicon.ts';
import type { Prompt, PromptSet, Split } from '../src/records/prompt.ts';
import type { TrainingPair } from '../src/records/run.ts';
import { UsageError } from './options.ts';

const PUBLIC = fileURLToPath(new URL('../public', import.meta.url));
export const DEMO_MODEL = join(PUBLIC, 'models', 'demo');

/** All files of a model folder, also those that links lead to (the Hugging Face cache is made of links); read from disk when they are asked for. @throws UsageError if it is no folder */
export async function readModelFolder(path: string): Promise<Extract<ModelSource, { kind: 'files' }>> {
  const folder = resolve(path);
  const found = await stat(folder).catch(() => null);
  if (!found?.isDirectory()) throw new UsageError(`${path}: there is no such folder. Name a Hugging Face model folder.`);
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => (entry.isFile() || entry.isSymbolicLink()) && !entry.name.startsWith('.'));
  const files: { path: string; data: Blob }[] = [];
  for (const entry of entries) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isSymbolicLink() && !(await stat(file).catch(() => null))?.isFile()) continue;
    files.push({ path: relative(folder, file).split(sep).join('/'), data: await openAsBlob(file) });
  }
  return { kind: 'files', name: basename(folder), files };
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
