/** A run's settings as a flat list of named values, for forms, tables and differences. Not for checking them: see train.ts. */
import { defaultTrainConfig, type TrainConfig } from './train.ts';

export type SettingValue = number | string | boolean;

/** Name of a setting: a key of TrainConfig, or `checkpointRule.` and a key of that. */
export type SettingPath = Exclude<keyof TrainConfig, 'checkpointRule'> | `checkpointRule.${keyof TrainConfig['checkpointRule']}`;

export interface SettingDifference {
  path: SettingPath;
  value: SettingValue;
  reference: SettingValue;
}

/** Every setting with its value, in the order of the schema. */
export function listSettings(config: TrainConfig): { path: SettingPath; value: SettingValue }[] {
  const { checkpointRule, ...rest } = config;
  return [
    ...Object.entries(rest).map(([key, value]) => ({ path: key as SettingPath, value })),
    ...Object.entries(checkpointRule).map(([key, value]) => ({ path: `checkpointRule.${key}` as SettingPath, value })),
  ];
}

/** A copy with one setting changed; the value is not checked here. */
export function withSetting(config: TrainConfig, path: SettingPath, value: SettingValue): TrainConfig {
  const rule = path.startsWith('checkpointRule.') ? path.slice('checkpointRule.'.length) : null;
  return rule === null ? { ...config, [path]: value } : { ...config, checkpointRule: { ...config.checkpointRule, [rule]: value } };
}

/** The settings in which a configuration differs from another one, by default from the defaults. */
export function diffSettings(config: TrainConfig, reference: TrainConfig = defaultTrainConfig): SettingDifference[] {
  const other = new Map(listSettings(reference).map(({ path, value }) => [path, value]));
  return listSettings(config).flatMap(({ path, value }) => {
    const before = other.get(path);
    return before === undefined || Object.is(before, value) ? [] : [{ path, value, reference: before }];
  });
}
