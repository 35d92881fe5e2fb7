/** llama: SmolLM2, TinyLlama, Llama 3.2 with its RoPE scaling. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { llamaLike, llamaLikeKeys } from './llamaLike.ts';
import { contextLength, parseAs } from './rawConfig.ts';

const schema = z.object({
  ...llamaLikeKeys,
  max_position_embeddings: contextLength.default(2048),
  attention_bias: z.boolean().default(false),
  mlp_bias: z.boolean().default(false),
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  return llamaLike(raw, {
    modelType: 'llama',
    qkNorm: false,
    qkvBias: raw.attention_bias,
    attentionOutputBias: raw.attention_bias,
    mlpBias: raw.mlp_bias,
    layerTypes: Array.from({ length: raw.num_hidden_layers }, () => 'full_attention' as const),
    slidingWindow: null,
  });
}

export const llama: Family = { modelType: 'llama', parse, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
