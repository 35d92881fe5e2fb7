import { describe, expect, it } from 'vitest';
import { defaultTrainConfig } from '../src/config/train.ts';
import { withLoraOptions } from './loraOptions.ts';

describe('the LoRA options of train', () => {
  it('override the settings of the file, one by one', () => {
    expect(withLoraOptions(defaultTrainConfig, {})).toEqual(defaultTrainConfig);
    expect(withLoraOptions(defaultTrainConfig, { method: 'lora', 'lora-r': '16', 'lora-alpha': '32', 'lora-dropout': '0.05', 'lora-target-modules': 'q_proj, v_proj' })).toEqual({
      ...defaultTrainConfig, trainingMethod: 'lora', lora: { r: 16, loraAlpha: 32, loraDropout: 0.05, targetModules: ['q_proj', 'v_proj'], useRslora: false },
    });
    const fromFile = { ...defaultTrainConfig, trainingMethod: 'lora' as const };
    expect(withLoraOptions(fromFile, { 'lora-target-modules': 'all-linear' })).toEqual(fromFile);
  });

  it.each([
    [{ method: 'dora' }, /--method must be full or lora, not "dora"/],
    [{ 'lora-r': '8' }, /--lora-r is for adapters. Add --method lora/],
    [{ method: 'lora', 'lora-r': '0' }, /--lora-r must be a whole number from 1 to 512/],
    [{ method: 'lora', 'lora-dropout': '1' }, /--lora-dropout must be a number from 0 to 0.99/],
    [{ method: 'lora', 'lora-target-modules': 'q_proj,' }, /has an empty name/],
  ])('are refused when they make no sense: %j', (values, message) => {
    expect(() => withLoraOptions(defaultTrainConfig, values)).toThrow(message);
  });
});
