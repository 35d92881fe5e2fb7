/** Settings of an evaluation: how many prompts, how decoded, how judged. */
import { z } from 'zod';

export const evaluationConfigSchema = z.strictObject({
  /** At most this many prompts a set, spread over intents; 0 takes all. */
  promptsPerSet: z.number().int().min(0).default(0),
  maxNewTokens: z.number().int().min(1).max(4096).default(48),
  batchSize: z.number().int().min(1).max(256).default(96),
  /** Answers whose mean token loss under the base LM lies above this quantile of its own answers are incoherent. */
  coherenceQuantile: z.number().min(0.5).max(1).default(0.99),
  /** How many of the base LM's own answers (temperature 1) set that threshold, for each of two kinds. */
  coherenceSamples: z.number().int().min(8).default(200),
  seed: z.number().int().min(0).max(0xffffffff).default(42),
});
export type EvaluationConfig = z.infer<typeof evaluationConfigSchema>;

export const defaultEvaluationConfig: EvaluationConfig = evaluationConfigSchema.parse({});
