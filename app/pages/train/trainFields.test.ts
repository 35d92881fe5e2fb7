import { describe, expect, it } from 'vitest';
import { defaultTrainConfig, trainConfigSchema } from '../../../src/config/train.ts';
import { listSettings, withSetting } from '../../../src/config/trainSettings.ts';
import { TRAIN_FIELD_GROUPS } from './trainFields.ts';

const fields = TRAIN_FIELD_GROUPS.flatMap((group) => group.fields);

describe('training form', () => {
  it('has one field for every setting', () => {
    expect(fields.map((field) => field.path).sort()).toEqual(listSettings(defaultTrainConfig).map(({ path }) => path).sort());
  });

  it('offers no bound or option that the schema refuses', () => {
    for (const field of fields) {
      const values = field.kind === 'select' ? field.options.map((option) => option.value) : field.kind === 'switch' ? [true, false] : field.kind === 'modules' ? ['all-linear', 'q_proj, v_proj'] : [field.min, field.max].filter((bound) => bound !== undefined);
      for (const value of values) expect(trainConfigSchema.safeParse(withSetting(defaultTrainConfig, field.path, value)).success, `${field.path} = ${value}`).toBe(true);
    }
  });

  it('can show every default without rounding it', () => {
    const values = new Map(listSettings(defaultTrainConfig).map(({ path, value }) => [path, value]));
    for (const field of fields) {
      const value = values.get(field.path);
      if (field.kind === 'number') expect(Number((value as number).toFixed(field.decimals ?? 6)), field.path).toBe(value);
      else if (field.kind === 'switch') expect(typeof value, field.path).toBe('boolean');
      else if (field.kind === 'modules') expect(typeof value, field.path).toBe('string');
      else expect(field.options.some((option) => option.value === value), field.path).toBe(true);
    }
  });
});
