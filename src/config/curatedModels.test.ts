import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CURATED_MODELS } from './curatedModels.ts';
import { deviceLimitsOf, estimateFit } from './fit.ts';
import { parseLmConfig } from './lm.ts';
import { countParameters } from './lmParameters.ts';
import { defaultTrainConfig } from './train.ts';

/** Made by tools/reference/curated_models.py. */
const { models } = JSON.parse(readFileSync(new URL('../testing/reference/curatedModels.json', import.meta.url), 'utf8')) as {
  models: Record<string, { config: { model_type: string; torch_dtype?: string }; parameters: number }>;
};

describe('the curated models', () => {
  it('are those of the reference, each once', () => {
    expect(CURATED_MODELS.map(({ id }) => id).sort()).toEqual(Object.keys(models).sort());
  });

  it.each(CURATED_MODELS.map((model) => [model.id, model] as const))('has the parameters that transformers counts and a download of a size to match: %s', (id, { parameters, family, downloadBytes }) => {
    const { config, parameters: counted } = models[id]!;
    expect(countParameters(parseLmConfig(config))).toBe(counted);
    expect(parameters).toBe(counted);
    expect(family).toBe(config.model_type);
    // GPT-2 and Pythia store masks, Qwen3 its tied head once more; tokenizers take up to 34 MB.
    const weights = counted * (config.torch_dtype ? 2 : 4);
    expect(downloadBytes).toBeGreaterThan(weights);
    expect(downloadBytes).toBeLessThan(1.29 * weights);
  });

  it('fit the WASM heap with LoRA up to half a gigabyte of weights, and the largest does not fit a phone', () => {
    const verdictOf = (id: string, limits: Parameters<typeof estimateFit>[0]['limits'], method: 'full' | 'lora') =>
      estimateFit({ config: parseLmConfig(models[id]!.config), storage: 'bf16', limits, training: { ...defaultTrainConfig, gradientCheckpointing: true }, method }).verdict;
    const wasm = deviceLimitsOf({ backend: 'wasm', maxBufferSizeBytes: null });
    expect(verdictOf('HuggingFaceTB/SmolLM2-135M-Instruct', wasm, 'lora')).toBe('fits');
    expect(verdictOf('EleutherAI/pythia-70m', wasm, 'full')).toBe('fits');
    expect(verdictOf('Qwen/Qwen3-0.6B', wasm, 'full')).toBe('wontFit');
    // The default limit of a WebGPU device without raised limits.
    const phone = deviceLimitsOf({ backend: 'webgpu', maxBufferSizeBytes: 128 * 2 ** 20 });
    expect(verdictOf('google/gemma-3-270m-it', phone, 'lora')).toBe('wontFit');
    expect(verdictOf('HuggingFaceTB/SmolLM2-135M-Instruct', phone, 'lora')).toBe('fits');
  });
});
