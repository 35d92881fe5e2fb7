/** The file that `train --config` reads: which model, which data, which settings. Checked whole before anything runs. */
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type EvaluationConfig, evaluationConfigSchema } from '../src/config/evaluation.ts';
import { type TrainConfig, trainConfigSchema } from '../src/config/train.ts';
import { importPrompts } from '../src/records/importPrompts.ts';
import type { Prompt, PromptSet } from '../src/records/prompt.ts';
import type { TrainingData, TrainingPair } from '../src/records/run.ts';
import { UsageError } from './options.ts';
import { readInputFile } from './outputs.ts';
import { DEMO_MODEL, readBuiltIn, readBuiltInSplit, toPairs } from './project.ts';

const fileSchema = z.strictObject({
  /** Shown in the report. */
  name: z.string().min(1).default('from the command line'),
  /** Hugging Face folder, relative to this file, or what else --model takes; the demo LM if absent. */
  model: z.string().min(1).optional(),
  backend: z.enum(['auto', 'webgpu', 'wasm']).default('auto'),
  /** Full records with responses labelled unsafe, relative to this file. */
  unsafe: z.string().min(1),
  /** Full records of prompts with references; the built-in ones if absent. */
  everyday: z.string().min(1).optional(),
  borderline: z.string().min(1).optional(),
  /** Full records of prompts to choose the checkpoint by; the built-in validation split if absent. */
  validation: z.string().min(1).optional(),
  train: trainConfigSchema.prefault({}),
  evaluation: evaluationConfigSchema.prefault({}),
});

export interface TrainFile {
  name: string;
  modelFolder: string;
  backend: 'auto' | 'webgpu' | 'wasm';
  train: TrainConfig;
  /** Whether the file names a learning rate; what is usual depends on the method. */
  hasLearningRate: boolean;
  evaluation: EvaluationConfig;
  data: TrainingData;
  validation: Prompt[];
  /** False when all validation prompts are built-in. */
  usesOwnPrompts: boolean;
}

async function readRecords(path: string) {
  const result = importPrompts({ fileName: basename(path), bytes: await readInputFile(path) });
  const [error] = result.errors;
  if (error) throw new UsageError(`${path}, row ${error.row}${error.column === null ? '' : `, column ${error.column}`}: ${error.message}`);
  return result;
}

/** Responses that a person, or the demo's judge, labelled unsafe. */
async function readUnsafe(path: string): Promise<TrainingPair[]> {
  const { prompts, responses, curations } = await readRecords(path);
  const promptOf = new Map(prompts.map((prompt) => [prompt.id, prompt]));
  const unsafe = new Set(curations.filter(({ label, discarded }) => label === 'unsafe' && !discarded).map(({ responseId }) => responseId));
  return responses
    .filter(({ id }) => unsafe.has(id))
    .map(({ promptId, text }) => {
      const { text: prompt, intent } = promptOf.get(promptId) as Prompt;
      return { prompt, response: text, ...(intent === undefined ? {} : { intent }) };
    });
}

/** @throws UsageError naming file and field */
export async function readTrainFile(path: string): Promise<TrainFile> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await readInputFile(path)));
  } catch (thrown) {
    if (thrown instanceof UsageError) throw thrown;
    throw new UsageError(`${path} is not valid JSON (${(thrown as Error).message}).`);
  }
  const parsed = fileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new UsageError(`${path}: ${issue?.path.join('.') || 'file'}: ${issue?.message ?? 'invalid'}.`);
  }
  const { name, model, backend, unsafe, everyday, borderline, validation, train, evaluation } = parsed.data;
  const beside = (file: string) => resolve(dirname(path), file);
  const benign = async (set: PromptSet, file: string | undefined) => toPairs(file === undefined ? await readBuiltIn(set, 'curate') : (await readRecords(beside(file))).prompts.filter((p) => p.set === set));
  const data = { unsafe: await readUnsafe(beside(unsafe)), everyday: await benign('everyday', everyday), borderline: await benign('borderline', borderline) };
  if (data.unsafe.length === 0 && train.semanticLambda > 0) throw new UsageError(`${unsafe}: no response in it is labelled unsafe. Label some, or set train.semanticLambda to 0.`);
  return {
    name,
    // A name with no folder or archive beside the file is a Hub id or an address.
    modelFolder: model === undefined ? DEMO_MODEL : existsSync(beside(model)) ? beside(model) : model,
    backend,
    train,
    hasLearningRate: (json as { train?: { learningRate?: unknown } }).train?.learningRate !== undefined,
    evaluation,
    data,
    validation: validation === undefined ? await readBuiltInSplit('validation') : (await readRecords(beside(validation))).prompts,
    usesOwnPrompts: validation !== undefined,
  };
}
