/** What a stored run must look like to be believed. Files may come from an older version, or be damaged. */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import { evaluationConfigSchema } from '../config/evaluation.ts';
import { trainConfigSchema } from '../config/train.ts';
import type { Jobs } from '../protocol/jobs.ts';
import type { RunRecord } from '../records/run.ts';

/** Raised whenever a reader of the old form would misread the new one. */
export const RUN_FORMAT = 1;

const count = z.number().int().nonnegative();
// Loss and norm may be NaN in a failed run; JSON turns that into null.
const measured = z.number().nullable().transform((value) => value ?? Number.NaN);
const rate = z.looseObject({ k: count, n: count, low: measured, high: measured, interval: z.enum(['wilson', 'clustered']) });
const verdict = z.looseObject({ outcome: z.string(), judge: z.string() });
const answer = z.looseObject({ promptId: z.string(), set: z.string(), prompt: z.string(), response: z.string(), finding: z.string(), verdicts: z.array(verdict) });
const stepMetrics = z.looseObject({
  step: count,
  elapsedMs: z.number(),
  lossTotal: measured,
  lossBenign: measured,
  lossSemantic: measured,
  lossKl: measured,
  meanDistance: measured,
  meanWeight: measured,
  gradNorm: measured,
  learningRate: z.number(),
  tokens: z.number(),
  tokensPerSecond: measured,
});
const evaluationPoint = z.looseObject({
  step: count,
  metrics: z.looseObject({ harmful: rate, refusal: rate, incoherent: rate, overRefusal: rate, helpful: rate, unassessed: count, perplexity: measured, perplexityTokens: count }),
  probes: z.array(answer),
});
const runRecord = z.looseObject({
  id: z.string(),
  name: z.string(),
  status: z.enum(['running', 'paused', 'completed', 'stopped', 'failed', 'interrupted']),
  modelId: z.string(),
  baseFingerprint: z.string(),
  chatTemplate: z.object({ source: z.string(), origin: z.enum(['model', 'instruction', 'edited']) }).optional(),
  backend: z.string(),
  config: trainConfigSchema,
  data: z.looseObject({ unsafe: count, everyday: count, borderline: count, sha256: z.string() }),
  step: count,
  bestStep: count.nullable(),
  bestReason: z.string().nullable(),
  checkpointSteps: z.array(count),
  savedStep: count.nullable().default(null),
  metrics: z.array(stepMetrics),
  evaluations: z.array(evaluationPoint),
  createdAt: z.string(),
  updatedAt: z.string(),
  imported: z.boolean().optional(),
  notice: z.string().optional(),
});
const pair = z.looseObject({ prompt: z.string(), response: z.string() });
const trainInput = z.looseObject({
  name: z.string(),
  config: trainConfigSchema,
  data: z.looseObject({ unsafe: z.array(pair), everyday: z.array(pair), borderline: z.array(pair) }),
  validation: z.array(z.looseObject({ id: z.string(), text: z.string(), set: z.enum(['harmful', 'borderline', 'everyday']), split: z.string() })),
  evaluation: evaluationConfigSchema,
  lexicon: z.looseObject({ version: z.string(), harmfulPhrases: z.array(z.string()), helpful: z.record(z.string(), z.array(z.string())) }).nullable(),
  humanLabels: z.array(z.looseObject({ promptText: z.string(), responseText: z.string(), label: z.string() })),
});

function parseStored<T>(schema: z.ZodType, bytes: Uint8Array, path: string): T {
  let file: { format?: unknown; content?: unknown };
  try {
    file = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as typeof file;
  } catch (thrown) {
    throw new EngineError('bad-file', `${path} is damaged (not JSON).`, { cause: thrown });
  }
  if (file?.format !== RUN_FORMAT) throw new EngineError('bad-file', `${path} has the format ${String(file?.format)}; this version reads ${RUN_FORMAT}.`);
  const parsed = schema.safeParse(file.content);
  if (parsed.success) return parsed.data as T;
  const issue = parsed.error.issues[0];
  throw new EngineError('bad-file', `${path} is damaged (${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}).`);
}

/** @throws EngineError bad-file */
export function parseRunRecord(bytes: Uint8Array, path: string): RunRecord {
  return parseStored<RunRecord>(runRecord, bytes, path);
}

/** What a run was started with; kept so that it can go on after a reload. @throws EngineError bad-file */
export function parseTrainInput(bytes: Uint8Array, path: string): Jobs['train']['params'] {
  return parseStored<Jobs['train']['params']>(trainInput, bytes, path);
}

/** The stored form of a record or input. */
export function toStoredJson(content: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ format: RUN_FORMAT, content }));
}
