import { expect, it } from 'vitest';
import { parseLmConfig } from './lm.ts';
import { MOST_CACHE_BYTES, rowsOfCache } from './fitBytes.ts';

const config = parseLmConfig({ model_type: 'llama', vocab_size: 480, hidden_size: 1024, intermediate_size: 24, num_hidden_layers: 28, num_attention_heads: 16, num_key_value_heads: 8, head_dim: 128 });

it('decodes as many rows as asked for, or as many as a cache of half a GiB holds', () => {
  expect(rowsOfCache(config, 4, 176)).toBe(4);
  const rows = rowsOfCache(config, 96, 176);
  expect(rows).toBe(Math.floor(MOST_CACHE_BYTES / (2 * 28 * 8 * 128 * 4 * 176)));
  expect(rows).toBe(13);
  expect(rowsOfCache(config, 96, 1e6)).toBe(1);
});
