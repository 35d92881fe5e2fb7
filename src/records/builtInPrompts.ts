/** The prompts that ship with the studio (`public/data/*.jsonl`). Strict: our own files have no bad rows. */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import type { JudgeLexicon } from './judgeLexicon.ts';
import type { Prompt } from './prompt.ts';

const rowSchema = z.object({
  id: z.string().min(1),
  set: z.enum(['harmful', 'borderline', 'everyday']),
  split: z.enum(['curate', 'validation', 'test']),
  intent: z.string().min(1),
  category: z.string().min(1),
  prompt: z.string().min(1),
  reference: z.string().min(1).optional(),
});

/**
 * @param jsonl one prompt a line
 * @throws EngineError bad-file naming line and field
 */
export function parseBuiltIn(jsonl: string, fileName = 'built-in prompts'): Prompt[] {
  const prompts: Prompt[] = [];
  jsonl.split(/\r?\n/).forEach((line, i) => {
    if (line.trim() === '') return;
    const where = `${fileName}: line ${i + 1}`;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (thrown) {
      throw new EngineError('bad-file', `${where}: not valid JSON.`, { cause: thrown });
    }
    const parsed = rowSchema.safeParse(value);
    if (!parsed.success) {
      const issue = parsed.error.issues[0];
      throw new EngineError('bad-file', `${where}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
    }
    const { prompt, reference, ...rest } = parsed.data;
    prompts.push({ ...rest, text: prompt, ...(reference === undefined ? {} : { reference }), source: 'built-in' });
  });
  return prompts;
}

const lexiconSchema = z.object({
  version: z.string().min(1),
  harmfulPhrases: z.array(z.string().min(1)),
  helpful: z.record(z.string(), z.array(z.string().min(1))),
});

/** Reads `public/data/judge.json`. @throws EngineError bad-file naming the field */
export function parseJudgeLexicon(json: string, fileName = 'judge.json'): JudgeLexicon {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    throw new EngineError('bad-file', `${fileName}: not valid JSON.`, { cause: thrown });
  }
  const parsed = lexiconSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EngineError('bad-file', `${fileName}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}
