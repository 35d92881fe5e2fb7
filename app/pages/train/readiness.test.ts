import { describe, expect, it } from 'vitest';
import { defaultTrainConfig } from '../../../src/config/train.ts';
import { assessReadiness, type ReadinessFacts } from './readiness.ts';

const ready: ReadinessFacts = {
  modelName: 'demo',
  busyWith: null,
  unsafe: 40,
  everyday: 100,
  borderline: 100,
  validation: { harmful: 100, borderline: 100, everyday: 100 },
  config: defaultTrainConfig,
  configProblem: null,
};
const blockersOf = (facts: Partial<ReadinessFacts>): string[] => assessReadiness({ ...ready, ...facts }).blockers.map((reason) => reason.text);
const warningsOf = (facts: Partial<ReadinessFacts>): string[] => assessReadiness({ ...ready, ...facts }).warnings.map((reason) => reason.text);

describe('assessReadiness', () => {
  it('is ready, without a warning, when everything is there', () => {
    expect(assessReadiness(ready)).toEqual({ ready: true, blockers: [], warnings: [] });
  });

  it('names each missing thing and where to mend it', () => {
    const { ready: isReady, blockers } = assessReadiness({ ...ready, modelName: null, unsafe: 0, everyday: 0, borderline: 0, validation: { harmful: 0, borderline: 0, everyday: 0 } });
    expect(isReady).toBe(false);
    expect(blockers.map((reason) => reason.page)).toEqual(['model', 'curate', 'prompts', 'prompts']);
  });

  it('starts with one unsafe response but warns under twenty', () => {
    expect(assessReadiness({ ...ready, unsafe: 1 }).ready).toBe(true);
    expect(warningsOf({ unsafe: 1 })[0]).toContain('Only 1 unsafe');
    expect(warningsOf({ unsafe: 20 })).toEqual([]);
  });

  it('warns when the setting, not the data, keeps the unsafe samples few', () => {
    expect(warningsOf({ config: { ...defaultTrainConfig, unsafeSamples: 5 } })[0]).toContain('Only 5 unsafe');
  });

  it('needs no unsafe response for plain supervised fine-tuning', () => {
    expect(blockersOf({ unsafe: 0, config: { ...defaultTrainConfig, semanticLambda: 0 } })).toEqual([]);
  });

  it('refuses settings that train on nothing', () => {
    expect(blockersOf({ config: { ...defaultTrainConfig, semanticLambda: 0, benignPerStep: 0 } })[0]).toContain('train on nothing');
  });

  it('asks for borderline rows only when a step draws some', () => {
    expect(blockersOf({ borderline: 0 })[0]).toContain('borderline rows');
    expect(blockersOf({ borderline: 0, config: { ...defaultTrainConfig, borderlineShare: 0 } })).toEqual([]);
  });

  it('says what the engine is busy with', () => {
    expect(blockersOf({ busyWith: 'generating responses' })).toEqual(['The engine is busy: generating responses.']);
  });
});
