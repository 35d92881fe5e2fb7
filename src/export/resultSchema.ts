/**
 * The files of a headless run, `result.json` and `samples.jsonl`: schema and writers. docs/result-schema.md says the same in words.
 * Field names are snake_case, for other tools.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import { evaluationConfigSchema } from '../config/evaluation.ts';
import { generationConfigSchema } from '../config/generation.ts';
import { trainConfigSchema } from '../config/train.ts';
import type { EvaluatedAnswer, EvaluationMetrics, EvaluationReport } from '../records/evaluation.ts';
import type { Rate } from '../records/rate.ts';

export const RESULT_FORMAT = 'sidestep-result@1';

const count = z.number().int().min(0);
const ms = z.number().min(0);
const share = z.number().min(0).max(1);
const rateSchema = z
  .strictObject({ k: count, n: count, low: share, high: share, interval: z.enum(['wilson', 'clustered']), clusters: count.optional() })
  .refine((r) => r.k <= r.n, 'k is larger than n');

/** The numbers of one set of weights. */
export const resultMetricsSchema = z
  .strictObject({
    weights_fingerprint: z.string(),
    harmful: rateSchema,
    refusal: rateSchema,
    incoherent: rateSchema,
    over_refusal: rateSchema,
    helpful: rateSchema,
    unassessed: count,
    /** Null when no everyday prompt has a reference. */
    perplexity: z.number().positive().nullable(),
    perplexity_tokens: count,
  })
  .refine((m) => m.harmful.n === 0 || m.harmful.k + m.refusal.k + m.incoherent.k === m.harmful.n, 'harmful, refusal and incoherent do not add up to n');

export const resultSchema = z.strictObject({
  format: z.literal(RESULT_FORMAT),
  model: z.strictObject({ name: z.string(), fingerprint: z.string(), parameters: count, size_bytes: count }),
  backend: z.enum(['webgpu', 'wasm']),
  backend_reason: z.string(),
  /** Null on WASM. */
  adapter: z.strictObject({ vendor: z.string(), architecture: z.string(), description: z.string(), is_software: z.boolean() }).nullable(),
  seed: count,
  split: z.enum(['validation', 'test', 'custom']),
  settings: z.strictObject({
    train: trainConfigSchema,
    evaluation: evaluationConfigSchema,
    /** How unsafe responses were generated; null when none were. */
    generation: generationConfigSchema.nullable(),
  }),
  data: z.strictObject({ prompts: z.string(), unsafe: count, everyday: count, borderline: count, sha256: z.string() }),
  best_step: count.nullable(),
  best_reason: z.string().nullable(),
  timings: z.strictObject({ load_ms: ms, generate_ms: ms, train_ms: ms, evaluate_ms: ms, export_ms: ms, total_ms: ms }),
  /** Tokens through forward and backward a second, evaluations excluded. */
  tokens_per_second: z.number().min(0),
  /** New tokens a second, all rows of a batch together. */
  generated_tokens_per_second: z.number().min(0),
  judges: z.array(z.string()),
  coherence_threshold_nats: z.number().nullable(),
  base: resultMetricsSchema,
  tuned: resultMetricsSchema,
  /** Toxic prompts on which only the base or only the tuned weights are harmful, with the exact McNemar p value. */
  harmful_paired: z.strictObject({ only_base: count, only_tuned: count, p_value: share }),
});
export type Result = z.infer<typeof resultSchema>;

const verdictSchema = z.strictObject({ outcome: z.enum(['complied', 'refused', 'partial', 'incoherent', 'unassessed']), judge: z.string(), reason: z.string().optional(), score: z.number().optional() });
const findingSchema = z.enum(['harmful', 'refusal', 'incoherent', 'helpful', 'off-topic', 'unassessed']);

/** One line of samples.jsonl: one evaluated prompt. */
export const sampleSchema = z.strictObject({
  prompt_id: z.string(),
  set: z.enum(['harmful', 'borderline', 'everyday']),
  intent: z.string().nullable(),
  category: z.string().nullable(),
  prompt: z.string(),
  base_response: z.string(),
  base_finding: findingSchema,
  base_nll_nats: z.number().nullable(),
  base_verdicts: z.array(verdictSchema),
  tuned_response: z.string(),
  tuned_finding: findingSchema,
  /** Of the tuned response under the frozen base LM: what coherence is judged by. */
  tuned_nll_nats: z.number().nullable(),
  tuned_verdicts: z.array(verdictSchema),
});
export type Sample = z.infer<typeof sampleSchema>;

const rateOf = ({ k, n, low, high, interval, clusters }: Rate): z.infer<typeof rateSchema> => (clusters === undefined ? { k, n, low, high, interval } : { k, n, low, high, interval, clusters });
const finite = (x: number | undefined) => (x !== undefined && Number.isFinite(x) ? x : null);

/** The metrics of a report as they stand in result.json. */
export function toResultMetrics({ metrics, weightsFingerprint }: { metrics: EvaluationMetrics; weightsFingerprint: string }): Result['base'] {
  return {
    weights_fingerprint: weightsFingerprint,
    harmful: rateOf(metrics.harmful),
    refusal: rateOf(metrics.refusal),
    incoherent: rateOf(metrics.incoherent),
    over_refusal: rateOf(metrics.overRefusal),
    helpful: rateOf(metrics.helpful),
    unassessed: metrics.unassessed,
    perplexity: finite(metrics.perplexity),
    perplexity_tokens: metrics.perplexityTokens,
  };
}

/** Checks a result against the schema before it is written. @throws EngineError internal naming the field: a wrong result file is our mistake */
export function writeResult(result: Result): string {
  const parsed = resultSchema.safeParse(result);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EngineError('internal', `result.json: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
  }
  return `${JSON.stringify(parsed.data, null, 2)}\n`;
}

/**
 * Base and tuned answers side by side, one prompt a line.
 * @throws EngineError bad-argument if the two reports are not of the same prompts in the same order
 */
export function samplesOf(base: EvaluationReport, tuned: EvaluationReport): Sample[] {
  const same = base.answers.length === tuned.answers.length && base.answers.every((a, i) => a.promptId === tuned.answers[i]?.promptId && a.prompt === tuned.answers[i]?.prompt);
  if (!same) throw new EngineError('bad-argument', 'samples: base and tuned weights were not evaluated on the same prompts in the same order.');
  return base.answers.map((b, i) => {
    const t = tuned.answers[i] as EvaluatedAnswer;
    return {
      prompt_id: b.promptId, set: b.set, intent: b.intent ?? null, category: b.category ?? null, prompt: b.prompt,
      base_response: b.response, base_finding: b.finding, base_nll_nats: finite(b.baseNllNats), base_verdicts: b.verdicts,
      tuned_response: t.response, tuned_finding: t.finding, tuned_nll_nats: finite(t.baseNllNats), tuned_verdicts: t.verdicts,
    };
  });
}

/** The lines of samples.jsonl. */
export const writeSamples = (samples: readonly Sample[]): string => samples.map((s) => `${JSON.stringify(sampleSchema.parse(s))}\n`).join('');
