import { describe, expect, it } from 'vitest';
import { estimateFit, deviceLimitsOf } from '../../src/config/fit.ts';
import { countParameters } from '../../src/config/lmParameters.ts';
import { parseLmConfig } from '../../src/config/lm.ts';
import { defaultTrainConfig } from '../../src/config/train.ts';
import { roughFit } from './roughFit.ts';

const shape = (hidden: number, mlp: number, layers: number, heads: number, kv: number, vocab = 49152, tied = true) =>
  parseLmConfig({
    model_type: 'llama', rms_norm_eps: 1e-5, hidden_act: 'silu', rope_theta: 10000, max_position_embeddings: 2048,
    vocab_size: vocab, hidden_size: hidden, intermediate_size: mlp, num_hidden_layers: layers, num_attention_heads: heads, num_key_value_heads: kv, tie_word_embeddings: tied,
  });

describe('a guess by size alone', () => {
  it('is never more than one step from the estimate by config', () => {
    const order = ['fits', 'tight', 'wontFit'];
    for (const config of [shape(576, 1536, 30, 9, 3), shape(960, 2560, 32, 15, 5), shape(2048, 5632, 22, 32, 4, 32000, false)])
      for (const engine of [{ backend: 'wasm' as const, maxBufferSizeBytes: null }, { backend: 'webgpu' as const, maxBufferSizeBytes: 2 ** 31 }]) {
        const { verdict } = estimateFit({ config, storage: 'bf16', limits: deviceLimitsOf(engine), training: defaultTrainConfig, method: 'lora' });
        const guess = roughFit(2 * countParameters(config), engine);
        expect(Math.abs(order.indexOf(guess) - order.indexOf(verdict)), `${config.hiddenSize} on ${engine.backend}: ${guess}, ${verdict}`).toBeLessThanOrEqual(1);
      }
  });

  it('knows the smallest and the largest', () => {
    const wasm = { backend: 'wasm' as const, maxBufferSizeBytes: null };
    expect([roughFit(271e6, wasm), roughFit(726e6, wasm), roughFit(4e9, wasm)]).toEqual(['fits', 'tight', 'wontFit']);
    expect(roughFit(4e9, { backend: 'webgpu', maxBufferSizeBytes: 2 ** 31 })).toBe('tight');
  });
});
