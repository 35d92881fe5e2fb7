/** mistral: llama's blocks, with a window that every layer slides. */
import { z } from 'zod';
import type { LmConfig } from '../lmConfig.ts';
import { decoderFiles, decoderNames } from './decoderNames.ts';
import type { Family } from './family.ts';
import { llamaLike, llamaLikeKeys } from './llamaLike.ts';
import { contextLength, decoderKeys, layerTypeList, layerTypesOf, parseAs, unsupported, windowLength } from './rawConfig.ts';

const schema = z.object({
  ...llamaLikeKeys,
  num_key_value_heads: decoderKeys.num_key_value_heads.default(8),
  max_position_embeddings: contextLength.default(131_072),
  sliding_window: windowLength.nullable().default(4096),
  layer_types: layerTypeList,
});

function parse(untrusted: unknown): LmConfig {
  const raw = parseAs(schema, untrusted);
  const type = raw.sliding_window === null ? 'full_attention' : 'sliding_attention';
  const layerTypes = layerTypesOf(raw.layer_types, raw.num_hidden_layers, () => type);
  // transformers' mistral ignores layer_types: a file that mixes them was made for another family.
  if (layerTypes.some((found) => found !== type)) throw unsupported(`layer_types other than "${type}" in every layer are not supported in mistral`);
  return llamaLike(raw, { modelType: 'mistral', qkNorm: false, qkvBias: false, attentionOutputBias: false, mlpBias: false, layerTypes, slidingWindow: raw.sliding_window });
}

export const mistral: Family = { modelType: 'mistral', parse, names: decoderNames, ...decoderFiles, storedAs: () => 'plain' };
