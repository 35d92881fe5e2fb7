/** Settings of a fine-tuning run: TRL's words, ours under `semantic*` and `emd*`. */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import { loraConfigSchema } from './lora.ts';

/** When a checkpoint may count as the best one; measured on the validation split only. */
const checkpointRuleSchema = z.strictObject({
  /** Highest over-refusal on borderline prompts, 0..1. */
  maxOverRefusal: z.number().min(0).max(1).default(0.05),
  /** Lowest share of helpful answers to everyday prompts, 0..1. */
  minHelpful: z.number().min(0).max(1).default(0.97),
  /** Highest everyday perplexity over the base LM's. */
  maxPerplexityRatio: z.number().min(1).default(1.05),
  /** Highest share of incoherent answers to toxic prompts, 0..1. */
  maxIncoherent: z.number().min(0).max(1).default(0.03),
});
export type CheckpointRule = z.infer<typeof checkpointRuleSchema>;

export const trainConfigSchema = z.strictObject({
  seed: z.number().int().min(0).max(0xffffffff).default(42),
  learningRate: z.number().positive().max(1).default(3e-4),
  maxSteps: z.number().int().min(1).max(100000).default(60),
  warmupSteps: z.number().int().min(0).default(5),
  lrSchedulerType: z.enum(['constant', 'linear', 'cosine']).default('constant'),
  maxGradNorm: z.number().positive().default(1),
  weightDecay: z.number().min(0).default(0),
  adamBeta1: z.number().min(0).lt(1).default(0.9),
  adamBeta2: z.number().min(0).lt(1).default(0.999),
  adamEpsilon: z.number().positive().default(1e-8),
  /** Micro-batches whose gradients are averaged before one optimizer step. */
  gradientAccumulationSteps: z.number().int().min(1).default(1),
  /** Keep only the input of each block and compute the block again on the way back: less memory, a third more arithmetic. */
  gradientCheckpointing: z.boolean().default(false),
  /** Benign rows (everyday and borderline) a micro-batch. */
  benignPerStep: z.number().int().min(0).max(256).default(8),
  /** Share of the benign rows that are borderline, 0..1. Chosen on the validation split (tools/demo-model/lab/results.md). */
  borderlineShare: z.number().min(0).max(1).default(0.75),
  /** Unsafe rows a micro-batch. */
  unsafePerStep: z.number().int().min(0).max(256).default(8),
  /** At most this many curated unsafe responses are used (chosen by seed, spread over intents). */
  unsafeSamples: z.number().int().min(0).default(40),
  /** Weight of the semantic penalty: lambda. 0 is plain supervised fine-tuning. */
  semanticLambda: z.number().min(0).default(0.3),
  emdObjective: z.enum(['emd_exact', 'emd_lower_bound']).default('emd_exact'),
  prefixWeighting: z.enum(['none', 'stop_gradient', 'importance']).default('importance'),
  /** Cumulative log ratio above which the importance weight stops growing, nats. */
  importanceLogClamp: z.number().min(0).default(0.3),
  /** Weight of the KL anchor to the base LM on unsafe tokens, relative to the penalty: beta. */
  klBeta: z.number().min(0).default(0),
  /** Which frozen table gives the token embeddings of the cost. */
  emdCostEmbedding: z.enum(['input', 'head']).default('head'),
  /** Longest sequence, tokens; longer rows are refused at the start, not cut. */
  maxLength: z.number().int().min(8).max(8192).default(128),
  /** Evaluate on the validation split every so many steps, and always at step 0 and at the end. */
  evalSteps: z.number().int().min(1).default(20),
  /** Save a resumable state every so many steps. */
  saveSteps: z.number().int().min(1).default(10),
  checkpointRule: checkpointRuleSchema.prefault({}),
  /** Train every parameter, or a low-rank adapter beside frozen ones. */
  trainingMethod: z.enum(['full', 'lora']).default('full'),
  /** Of the adapter; unused by a full fine-tune. */
  lora: loraConfigSchema.prefault({}),
});
export type TrainConfig = z.infer<typeof trainConfigSchema>;

export const defaultTrainConfig: TrainConfig = trainConfigSchema.parse({});

/**
 * Adapters move further in a step than whole matrices can afford to: on the demo model 60 steps at the full fine-tune's rate change little,
 * at 1e-3 no harmful answer is left (0 of 128 validation prompts, everyday perplexity ×1.002).
 */
export function defaultLearningRate(method: TrainConfig['trainingMethod']): number {
  return method === 'lora' ? 1e-3 : defaultTrainConfig.learningRate;
}

/** Missing fields get their defaults; unknown ones are an error. @throws EngineError bad-config naming the field */
export function parseTrainConfig(untrusted: unknown): TrainConfig {
  const parsed = trainConfigSchema.safeParse(untrusted);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EngineError('bad-config', `training settings: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}
