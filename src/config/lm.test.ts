import { describe, expect, it } from 'vitest';
import { parseLmConfig } from './lm.ts';
import { familyNamed, supportedModelTypes } from './families/registry.ts';
import type { LmConfig } from './lmConfig.ts';
import { parameterShapes } from './lmParameters.ts';
import { fromStoredForm, storedAs, storedRow, toStoredForm } from './storedForm.ts';

const sizes = { vocab_size: 100, hidden_size: 24, intermediate_size: 40, num_hidden_layers: 3, num_attention_heads: 4, num_key_value_heads: 2 };
const gpt2Sizes = { vocab_size: 100, n_embd: 24, n_layer: 3, n_head: 4 };
const gptNeoSizes = { vocab_size: 100, hidden_size: 24, num_layers: 3, num_heads: 4, attention_types: [[['global', 'local', 'global'], 1]] };
const sizesOf = (modelType: string): object => (modelType === 'gpt2' ? gpt2Sizes : modelType === 'gpt_neo' ? gptNeoSizes : sizes);
const raw = (modelType: string, options: object = {}): object => ({ model_type: modelType, ...sizesOf(modelType), ...options });
const parse = (modelType: string, options: object = {}): LmConfig => familyNamed(modelType).parse(raw(modelType, options));

describe('RoPE', () => {
  it('is read alike from both dialects of transformers', () => {
    const llama3 = { rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
    const expected = { theta: 500_000, rotaryDim: 6, scaling: { type: 'llama3', factor: 32, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 } };
    expect(parse('llama', { rope_theta: 500_000, rope_scaling: llama3 }).rope).toEqual(expected);
    expect(parse('llama', { rope_parameters: { ...llama3, rope_theta: 500_000 } }).rope).toEqual(expected);
    expect(parse('llama', { rope_scaling: { type: 'linear', factor: 2 } }).rope).toEqual({ theta: 10_000, rotaryDim: 6, scaling: { type: 'linear', factor: 2 } });
    expect(parse('qwen2', { rope_theta: 1e6, rope_scaling: { type: 'yarn', factor: 4, original_max_position_embeddings: 64 } }).rope).toEqual({
      theta: 1e6, rotaryDim: 6, scaling: { type: 'yarn', factor: 4, originalMaxPositionEmbeddings: 64, betaFast: 32, betaSlow: 1, attentionFactor: null, truncate: true },
    });
    expect(parse('gpt_neox', { rotary_pct: 1, rotary_emb_base: 500 }).rope).toEqual({ theta: 500, rotaryDim: 6, scaling: null });
    expect(parse('gpt_neox', { rope_parameters: { rope_type: 'default', rope_theta: 500, partial_rotary_factor: 0.34 } }).rope).toEqual({ theta: 500, rotaryDim: 2, scaling: null });
  });

  it('of gemma3_text is one for the full layers and one for the sliding ones, in both dialects', () => {
    const four = parse('gemma3_text', { head_dim: 8, rope_theta: 2e6, rope_local_base_freq: 300, rope_scaling: { rope_type: 'linear', factor: 8 } });
    const five = parse('gemma3_text', { head_dim: 8, rope_parameters: { full_attention: { rope_type: 'linear', factor: 8, rope_theta: 2e6 }, sliding_attention: { rope_type: 'default', rope_theta: 300 } } });
    expect(four.rope).toEqual({ theta: 2e6, rotaryDim: 8, scaling: { type: 'linear', factor: 8 } });
    expect(four.localRope).toEqual({ theta: 300, rotaryDim: 8, scaling: null });
    expect(five).toEqual(four);
    expect(parse('gemma3_text').rope?.theta).toBe(1e6);
    expect(parse('gemma3_text').localRope?.theta).toBe(1e4);
  });
});

describe('layer types', () => {
  it('follow the window of the family', () => {
    expect(parse('mistral', { sliding_window: 5 })).toMatchObject({ slidingWindow: 5, layerTypes: Array(3).fill('sliding_attention') });
    expect(parse('mistral', { sliding_window: null })).toMatchObject({ slidingWindow: null, layerTypes: Array(3).fill('full_attention') });
    expect(parse('qwen2', { use_sliding_window: true, sliding_window: 5, max_window_layers: 2 }).layerTypes).toEqual(['full_attention', 'full_attention', 'sliding_attention']);
    expect(parse('qwen2', { sliding_window: 5, max_window_layers: 2 })).toMatchObject({ slidingWindow: null, layerTypes: Array(3).fill('full_attention') });
    expect(parse('gpt_neo', { attention_types: [[['local'], 1], [['global'], 2]] }).layerTypes).toEqual(['sliding_attention', 'full_attention', 'full_attention']);
    expect(parse('gemma3_text', { sliding_window_pattern: 2 }).layerTypes).toEqual(['sliding_attention', 'full_attention', 'sliding_attention']);
    expect(parse('gemma3_text', { layer_types: ['full_attention', 'sliding_attention', 'full_attention'] }).layerTypes).toEqual(['full_attention', 'sliding_attention', 'full_attention']);
  });
});

describe('an option that the engine lacks', () => {
  it.each([
    ['mamba', {}, 'unsupported', /model_type "mamba".*supported: gpt2, gpt_neo, gpt_neox, llama/],
    ['gemma3', {}, 'unsupported', /model_type "gemma3".*text alone/],
    ['llama', { hidden_act: 'relu' }, 'unsupported', /hidden_act "relu".*supported: silu/],
    ['llama', { rope_scaling: { rope_type: 'longrope', factor: 4 } }, 'unsupported', /"longrope".*default, linear, llama3, yarn/],
    ['llama', { rope_scaling: { rope_type: 'llama3', factor: 4 } }, 'bad-config', /needs low_freq_factor/],
    ['llama', { partial_rotary_factor: 0.5 }, 'unsupported', /partial_rotary_factor 0\.5/],
    ['llama', { head_dim: 7 }, 'unsupported', /RoPE over 7 of 7/],
    ['llama', { rope_parameters: { full_attention: { rope_theta: 3 } } }, 'unsupported', /each layer type/],
    ['llama', { quantization_config: { quant_method: 'gptq' } }, 'unsupported', /quantization_config \("gptq"\)/],
    ['gpt_neox', { rotary_pct: 0.5 }, 'unsupported', /RoPE over 3 of 6/],
    ['gpt2', { scale_attn_by_inverse_layer_idx: true }, 'unsupported', /scale_attn_by_inverse_layer_idx: true/],
    ['gpt_neo', { attention_types: [[['global', 'strided', 'local'], 1]] }, 'unsupported', /"strided"/],
    ['gpt_neo', { attention_types: [[['global', 'local'], 1000], [['local'], 1000]] }, 'bad-config', /num_layers 3/],
    ['mistral', { sliding_window: 5, layer_types: ['full_attention', 'sliding_attention', 'sliding_attention'] }, 'unsupported', /layer_types/],
    ['qwen2', { layer_types: ['linear_attention', 'full_attention', 'full_attention'] }, 'unsupported', /"linear_attention"/],
    ['qwen3', { layer_types: ['full_attention'] }, 'bad-config', /1 entries for 3 layers/],
    ['gemma3_text', { final_logit_softcapping: 30 }, 'unsupported', /final_logit_softcapping 30/],
    ['gemma3_text', { attn_logit_softcapping: 50 }, 'unsupported', /attn_logit_softcapping 50/],
    ['gemma3_text', { use_bidirectional_attention: true }, 'unsupported', /use_bidirectional_attention/],
    ['llama', { num_key_value_heads: 3 }, 'bad-config', /num_attention_heads 4 must be a multiple of num_key_value_heads 3/],
    ['llama', { hidden_size: 25 }, 'bad-config', /hidden_size 25 must be a multiple/],
  ])('is named with its value: %s %j', (modelType, options, code, message) => {
    expect(() => parseLmConfig(raw(modelType, options))).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
  });

  it.each(supportedModelTypes)('%s: absurd sizes are refused by name before anything is sized by them', (modelType) => {
    const layers = { gpt2: 'n_layer', gpt_neo: 'num_layers' }[modelType] ?? 'num_hidden_layers';
    for (const value of [1e9, 0, -1, 1.5, '3', null, [], 1e308, Number.MAX_SAFE_INTEGER])
      expect(() => parseLmConfig(raw(modelType, { [layers]: value }))).toThrow(expect.objectContaining({ code: 'bad-config', message: expect.stringMatching(new RegExp(layers)) }));
    for (const key of Object.keys(raw(modelType)).filter((key) => key !== 'model_type' && (modelType !== 'gpt_neox' || key !== 'num_key_value_heads')))
      expect(() => parseLmConfig(raw(modelType, { [key]: 1e12 })), key).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });

  it.each([null, undefined, 3, 'llama', [], {}, { model_type: 3 }, { model_type: null }])('%j is no config', (untrusted) => {
    expect(() => parseLmConfig(untrusted)).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});

describe('the form of parameters in files', () => {
  const neox = parse('gpt_neox', { rotary_pct: 1 });
  const name = 'gpt_neox.layers.0.attention.query_key_value.weight';

  it('of a fused q, k, v is grouped by head in GPT-NeoX', () => {
    expect(storedAs(neox, name)).toBe('qkvByHead');
    // Head 1's first key row: the file has three groups of 6 rows a head.
    expect(storedRow(neox, 24 + 6)).toBe(18 + 6);
    const rows = Array.from({ length: 72 }, (_, row) => storedRow(neox, row));
    expect([...rows].sort((a, b) => a - b)).toEqual(Array.from({ length: 72 }, (_, row) => row));
    const file = Float32Array.from({ length: 72 * 24 }, (_, i) => i);
    const held = fromStoredForm(neox, name, file);
    expect(held.slice(30 * 24, 31 * 24)).toEqual(file.slice(24 * 24, 25 * 24));
    expect(toStoredForm(neox, name, held)).toEqual(file);
    expect(parameterShapes(neox).get(name)).toEqual([72, 24]);
  });

  it('of norm gains is less one in Gemma', () => {
    const gemma = parse('gemma3_text');
    const norms = [...parameterShapes(gemma).keys()].filter((found) => storedAs(gemma, found) === 'minusOne');
    expect(norms).toHaveLength(3 * 6 + 1);
    const file = Float32Array.of(-0.5, 0, 0.25);
    expect(fromStoredForm(gemma, norms[0]!, file)).toEqual(Float32Array.of(0.5, 1, 1.25));
    expect(toStoredForm(gemma, norms[0]!, fromStoredForm(gemma, norms[0]!, file))).toEqual(file);
  });
});
