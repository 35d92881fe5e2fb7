import { describe, expect, it } from 'vitest';
import { parsePeftConfig } from './peftConfig.ts';

/** What PEFT 0.21.2 writes for LoraConfig(r=4, task_type='CAUSAL_LM') on a tiny llama. */
const written = {
  alora_invocation_tokens: null, alpha_pattern: {}, arrow_config: null, auto_mapping: null, base_model_name_or_path: null, bias: 'none', corda_config: null, ensure_weight_tying: false,
  eva_config: null, exclude_modules: null, fan_in_fan_out: false, inference_mode: true, init_lora_weights: true, kasa_config: null, layer_replication: null, layers_pattern: null,
  layers_to_transform: null, loftq_config: {}, lora_alpha: 8, lora_bias: false, lora_dropout: 0.0, lora_ga_config: null, megatron_config: null, megatron_core: 'megatron.core',
  modules_to_save: null, monteclora_config: null, peft_type: 'LORA', peft_version: '0.21.2', qalora_group_size: 16, r: 4, rank_pattern: {}, revision: null, target_modules: ['q_proj', 'v_proj'],
  target_parameters: null, task_type: 'CAUSAL_LM', trainable_token_indices: null, use_bdlora: null, use_dora: false, use_qalora: false, use_rslora: false, velora_config: null,
};

describe('adapter_config.json', () => {
  it('is read as PEFT writes it', () => {
    expect(parsePeftConfig(written)).toEqual({
      r: 4, loraAlpha: 8, loraDropout: 0, useRslora: false, targetModules: ['q_proj', 'v_proj'], excludeModules: null, baseModelNameOrPath: null, revision: null,
    });
    expect(parsePeftConfig({ ...written, target_modules: 'all-linear', use_rslora: true, lora_dropout: 0.1 })).toMatchObject({ targetModules: 'all-linear', useRslora: true, loraDropout: 0.1 });
    expect(parsePeftConfig({ ...written, target_modules: '.*layers\\.[01]\\..*' }).targetModules).toEqual({ pattern: '.*layers\\.[01]\\..*' });
    expect(parsePeftConfig({ peft_type: 'LORA', r: 2, lora_alpha: 0.5, target_modules: ['c_attn'], runtime_config: { ephemeral_gpu_offload: false } })).toMatchObject({ r: 2, loraAlpha: 0.5 });
  });

  it.each([
    ['use_dora', true], ['lora_bias', true], ['bias', 'all'], ['modules_to_save', ['lm_head']], ['rank_pattern', { q_proj: 2 }], ['alpha_pattern', { q_proj: 2 }], ['layers_to_transform', [0]],
    ['layers_to_transform', 0], ['layer_replication', [[0, 1]]], ['target_parameters', ['x']], ['trainable_token_indices', [1]], ['task_type', 'SEQ_CLS'], ['init_lora_weights', 'pissa_niter_16'],
    ['peft_type', 'IA3'], ['an_option_of_tomorrow', 'on'],
  ])('names an option that the engine lacks: %s', (key, value) => {
    expect(() => parsePeftConfig({ ...written, [key]: value })).toThrow(expect.objectContaining({ code: 'unsupported', message: expect.stringContaining(key) as string }));
  });

  it.each([[null], [7], ['text'], [[]], [{}], [{ ...written, r: 0 }], [{ ...written, r: 1.5 }], [{ ...written, lora_alpha: '8' }], [{ ...written, lora_dropout: 1 }], [{ ...written, target_modules: null }], [{ ...written, target_modules: [] }], [{ ...written, target_modules: [3] }]])(
    'is refused when it is malformed: case %#',
    (untrusted) => {
      expect(() => parsePeftConfig(untrusted)).toThrow(expect.objectContaining({ code: 'bad-config', message: expect.stringContaining('adapter_config.json') as string }));
    },
  );
});
