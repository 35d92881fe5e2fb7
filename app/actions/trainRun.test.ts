import { describe, expect, it } from 'vitest';
import { createStudio, studio } from '../store/studio.ts';
import { setCoherenceSamples, setValidationSize, validationConfig } from './trainRun.ts';

describe('the settings of evaluations during training', () => {
  it('are those of Evaluate but for the number of prompts, and come back after a reload', async () => {
    const stored = new Map<string, string>();
    const drafts = { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, text: string) => void stored.set(key, text) };
    await studio.restore({ project: null, drafts });
    expect(validationConfig()).toMatchObject({ coherenceSamples: 200, promptsPerSet: 0 });
    setCoherenceSamples(64);
    setValidationSize(16);
    const { config } = studio.getState().drafts.evaluate;
    expect(config).toMatchObject({ coherenceSamples: 64, promptsPerSet: 0 });
    expect(validationConfig()).toEqual({ ...config, promptsPerSet: 16 });
    const after = createStudio();
    await after.restore({ project: null, drafts });
    expect(after.getState().drafts.evaluate.config).toEqual(config);
  });
});
