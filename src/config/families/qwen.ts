/** qwen2 (biases on q, k, v) and qwen3 (norms of queries and keys): one layout, the same keys for windows. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { llamaLike, llamaLikeKeys } from './llamaLike.ts';
import { contextLength, decoderKeys, layerTypeList, layerTypesOf, parseAs, windowLength } from './rawConfig.ts';

const shared = {
  ...llamaLikeKeys,
  max_position_embeddings: contextLength.default(32_768),
  use_sliding_window: z.boolean().default(false),
  sliding_window: windowLength.nullable().default(4096),
  max_window_layers: z.number().int().min(0).max(1_000_000).default(28),
  layer_types: layerTypeList,
};
const qwen2Schema = z.object({ ...shared, num_key_value_heads: decoderKeys.num_key_value_heads.default(32) });
const qwen3Schema = z.object({ ...shared, num_key_value_heads: decoderKeys.num_key_value_heads.default(32), head_dim: decoderKeys.head_dim.default(128), attention_bias: z.boolean().default(false) });

type Raw = z.output<typeof qwen2Schema>;

function describe(raw: Raw, own: Pick<LmConfig, 'modelType' | 'qkNorm' | 'qkvBias' | 'attentionOutputBias'>): LmConfig {
  const slidingWindow = raw.use_sliding_window ? raw.sliding_window : null;
  const stated = layerTypesOf(raw.layer_types, raw.num_hidden_layers, (layer) => (layer >= raw.max_window_layers ? 'sliding_attention' : 'full_attention'));
  return llamaLike(raw, {
    ...own,
    mlpBias: false,
    // Without a window nothing slides, whatever layer_types says.
    layerTypes: stated.map((type) => (slidingWindow === null ? 'full_attention' : type)),
    slidingWindow,
  });
}

const parseQwen2 = (untrusted: unknown): LmConfig =>
  describe(parseAs(qwen2Schema, untrusted), { modelType: 'qwen2', qkNorm: false, qkvBias: true, attentionOutputBias: false });

function parseQwen3(untrusted: unknown): LmConfig {
  const raw = parseAs(qwen3Schema, untrusted);
  return describe(raw, { modelType: 'qwen3', qkNorm: true, qkvBias: raw.attention_bias, attentionOutputBias: raw.attention_bias });
}

export const qwen2: Family = { modelType: 'qwen2', parse: parseQwen2, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
export const qwen3: Family = { modelType: 'qwen3', parse: parseQwen3, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
