import { describe, expect, it } from 'vitest';
import { planTiles } from '../kernels/headLoss/tilePlan.ts';
import { deviceLimitsOf, estimateFit, type FitRequest, formatBytes, WASM_HEAP_BYTES } from './fit.ts';
import { planLossTiles } from './fitBytes.ts';
import { parseLmConfig } from './lm.ts';
import { countParameters } from './lmParameters.ts';
import { defaultTrainConfig } from './train.ts';

const small = parseLmConfig({
  model_type: 'llama', vocab_size: 49152, hidden_size: 576, intermediate_size: 1536, num_hidden_layers: 30, num_attention_heads: 9, num_key_value_heads: 3,
  max_position_embeddings: 8192, tie_word_embeddings: true,
});
const request: FitRequest = { config: small, storage: 'bf16', limits: deviceLimitsOf({ backend: 'wasm', maxBufferSizeBytes: null }), training: defaultTrainConfig, method: 'lora' };

describe('the fit of an LM', () => {
  it('counts weights as they are stored and, for a full fine-tune, four slabs in float32 beside them', () => {
    const parameters = countParameters(small);
    const lora = estimateFit(request).bytes;
    const full = estimateFit({ ...request, method: 'full' }).bytes;
    expect(lora.weights / (2 * parameters)).toBeGreaterThan(1);
    expect(lora.weights / (2 * parameters)).toBeLessThan(1.1);
    expect(full.gradients / (4 * parameters)).toBeCloseTo(1, 4);
    expect(full.optimizer).toBe(2 * full.gradients);
    expect(full.total - lora.total).toBeGreaterThan(15.5 * parameters);
    expect(estimateFit({ ...request, storage: 'f32' }).bytes.weights - lora.weights).toBeGreaterThan(1.99 * parameters);
  });

  it('says what would make it fit, and means it', () => {
    const wide = { ...request, training: { ...defaultTrainConfig, benignPerStep: 64, unsafePerStep: 64 } };
    const report = estimateFit(wide);
    expect(report.verdict).toBe('wontFit');
    expect(report.reasons[0]).toMatch(/^About .* are needed, but the WebAssembly heap has 4\.29 GB\.$/);
    expect(report.reasons.at(-1)).toMatch(/^With .*gradient checkpointing it would take about .* and fit\.$/);
  });

  it('names a tensor that is larger than the device allows, whatever else there is', () => {
    const limits = deviceLimitsOf({ backend: 'webgpu', maxBufferSizeBytes: 128 * 2 ** 20 });
    expect(estimateFit({ ...request, limits }).verdict).toBe('fits');
    const { verdict, reasons } = estimateFit({ ...request, limits, method: 'full' });
    expect(verdict).toBe('wontFit');
    expect(reasons[0]).toContain('134 MB in one tensor, but the slab of all parameters');
    expect(reasons.at(-1)).toContain('With LoRA');
    const hopeless = estimateFit({ ...request, limits: { ...limits, maxTensorBytes: 1e6 } });
    expect(hopeless.reasons.at(-1)).toBe('No setting changes that; take a smaller model, or another device.');
  });

  it('lets tables of the vocabulary be as large as a buffer, where programs may see less of it at once', () => {
    const gpu = (bindingBytes: number, maxTableBytes: number) => estimateFit({ ...request, storage: 'f32', limits: deviceLimitsOf({ backend: 'webgpu', maxBufferSizeBytes: bindingBytes, maxTableBytes }) });
    expect(gpu(1e8, 2e8).verdict).toBe('fits');
    expect(gpu(1e8, 1e8).reasons[0]).toContain('100 MB in one tensor, but the token embedding [49152, 576] takes 113 MB');
  });

  it('takes from the WASM heap what stays in use', () => {
    expect(deviceLimitsOf({ backend: 'wasm', maxBufferSizeBytes: null }, 1000).totalBytes).toBe(WASM_HEAP_BYTES - 1000);
    expect(estimateFit({ ...request, limits: deviceLimitsOf({ backend: 'wasm', maxBufferSizeBytes: null }, 3.9e9) }).verdict).toBe('wontFit');
  });

  it('writes bytes for people', () => {
    expect([0, 999, 12_345, 1_234_567, 4_294_901_760].map(formatBytes)).toEqual(['0.00 kB', '1.00 kB', '12.3 kB', '1.23 MB', '4.29 GB']);
  });
});

it('plans the tiles of the head loss as its kernel does', () => {
  for (const [N, V, C] of [[1, 1, 1], [512, 2048, 128], [1000, 2048, 128], [3, 3e6, 5], [257, 50257, 64], [5000, 32000, 4096], [100000, 1000, 8], [2032, 49152, 576]] as const) {
    const { rows, columns, whole } = planTiles(N, V, C);
    expect(planLossTiles(N, V, C)).toEqual({ floats: rows * columns, rows, whole });
  }
});
