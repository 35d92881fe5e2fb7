/** Settings of a LoRA adapter (Hu et al. 2021) in PEFT's words. */
import { z } from 'zod';

export const loraConfigSchema = z.strictObject({
  /** Rank. */
  r: z.number().int().min(1).max(512).default(8),
  /** The adapter's product is scaled by loraAlpha / r (rsLoRA: loraAlpha / sqrt(r)). */
  loraAlpha: z.number().positive().default(16),
  /** Share of the adapter's inputs that are dropped in training. */
  loraDropout: z.number().min(0).lt(1).default(0),
  /** Names of linear layers ("q_proj"), or all of them but the head. */
  targetModules: z.union([z.literal('all-linear'), z.array(z.string().min(1)).min(1)]).default('all-linear'),
  useRslora: z.boolean().default(false),
});
export type LoraConfig = z.infer<typeof loraConfigSchema>;
