import { describe, expect, it } from 'vitest';
import { defaultLearningRate, defaultTrainConfig } from '../../src/config/train.ts';
import { suggestMethod, withDefaultsFor, withMethod } from './trainingMethod.ts';

describe('the training method', () => {
  it('is an adapter for large or packed models, and says why', () => {
    expect(suggestMethod({ name: 'demo', parameterCount: 1e6, storage: 'f32' }).method).toBe('full');
    expect(suggestMethod({ name: 'a/b', parameterCount: 135e6, storage: 'f32' })).toMatchObject({ method: 'lora', reason: expect.stringContaining('a/b is large') });
    expect(suggestMethod({ name: 'a/b', parameterCount: 1e6, storage: 'bf16' }).method).toBe('lora');
  });

  it('brings its own learning rate, and leaves one alone that a person chose', () => {
    const lora = withMethod(defaultTrainConfig, 'lora');
    expect(lora).toMatchObject({ trainingMethod: 'lora', learningRate: defaultLearningRate('lora') });
    expect(withMethod(lora, 'full')).toEqual(defaultTrainConfig);
    expect(withMethod({ ...defaultTrainConfig, learningRate: 5e-5 }, 'lora').learningRate).toBe(5e-5);
  });

  it('goes back to the defaults when a small model is loaded after a large one', () => {
    const large = withDefaultsFor(defaultTrainConfig, 'lora');
    expect(large).toMatchObject({ gradientCheckpointing: true, maxLength: 256 });
    expect(withDefaultsFor(large, 'full')).toEqual(defaultTrainConfig);
    expect(withDefaultsFor({ ...defaultTrainConfig, maxLength: 64 }, 'lora').maxLength).toBe(64);
  });
});
