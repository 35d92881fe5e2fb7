/** Settings of text generation, in the words of Transformers' GenerationConfig. */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';

export const generationConfigSchema = z.strictObject({
  maxNewTokens: z.number().int().min(1).max(4096).default(48),
  /** 0 is greedy decoding. */
  temperature: z.number().min(0).max(5).default(1),
  /** 0 keeps all tokens. */
  topK: z.number().int().min(0).default(0),
  /** 1 keeps all tokens. */
  topP: z.number().gt(0).max(1).default(1),
  seed: z.number().int().min(0).max(0xffffffff).default(42),
  /** Rows decoded together. Does not change the text: each row has its own random stream. */
  batchSize: z.number().int().min(1).max(256).default(32),
  /** Texts that end a response when they occur; not part of it. */
  stopStrings: z.array(z.string().min(1)).default([]),
});
export type GenerationConfig = z.infer<typeof generationConfigSchema>;

export const defaultGenerationConfig: GenerationConfig = generationConfigSchema.parse({});

/** @throws EngineError bad-config naming the field */
export function parseGenerationConfig(untrusted: unknown): GenerationConfig {
  const parsed = generationConfigSchema.safeParse(untrusted);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new EngineError('bad-config', `generation settings: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}`);
}
