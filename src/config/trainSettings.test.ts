import { describe, expect, it } from 'vitest';
import { defaultTrainConfig, parseTrainConfig } from './train.ts';
import { diffSettings, listSettings, withSetting } from './trainSettings.ts';

describe('training settings as a list', () => {
  it('finds no difference between the defaults and themselves', () => {
    expect(diffSettings(defaultTrainConfig)).toEqual([]);
  });

  it('names each changed setting with both values, the nested rule included', () => {
    const changed = withSetting(withSetting(defaultTrainConfig, 'semanticLambda', 1), 'checkpointRule.minHelpful', 0.9);
    expect(diffSettings(changed)).toEqual([
      { path: 'semanticLambda', value: 1, reference: defaultTrainConfig.semanticLambda },
      { path: 'checkpointRule.minHelpful', value: 0.9, reference: defaultTrainConfig.checkpointRule.minHelpful },
    ]);
  });

  it('leaves the configuration it starts from alone, and the result parses', () => {
    const before = structuredClone(defaultTrainConfig);
    const changed = withSetting(defaultTrainConfig, 'maxSteps', 7);
    expect(defaultTrainConfig).toEqual(before);
    expect(parseTrainConfig(changed).maxSteps).toBe(7);
  });

  it('shows a list of names as text and takes it back', () => {
    const some = withSetting(defaultTrainConfig, 'lora.targetModules', 'q_proj, v_proj,');
    expect(some.lora.targetModules).toEqual(['q_proj', 'v_proj']);
    expect(diffSettings(some)).toEqual([{ path: 'lora.targetModules', value: 'q_proj, v_proj', reference: 'all-linear' }]);
  });

  it('lists every setting once', () => {
    const paths = listSettings(defaultTrainConfig).map(({ path }) => path);
    expect(new Set(paths).size).toBe(paths.length);
    expect(paths.length).toBe(Object.keys(defaultTrainConfig).length - 2 + Object.keys({ ...defaultTrainConfig.checkpointRule, ...defaultTrainConfig.lora }).length);
  });
});
