/** A run's settings as a flat list of named values, for forms, tables and differences. Not for checking them: see train.ts. */
import { defaultTrainConfig, type TrainConfig } from './train.ts';

export type SettingValue = number | string | boolean;

/** Settings that stand together under one key. */
const GROUPS = ['checkpointRule', 'lora'] as const;
type Group = (typeof GROUPS)[number];

/** Name of a setting: a key of TrainConfig, or a group, a dot and a key of that. */
export type SettingPath = Exclude<keyof TrainConfig, Group> | { [G in Group]: `${G}.${keyof TrainConfig[G] & string}` }[Group];

export interface SettingDifference {
  path: SettingPath;
  value: SettingValue;
  reference: SettingValue;
}

/** A list of names stands as text. */
const toValue = (value: SettingValue | string[]): SettingValue => (Array.isArray(value) ? value.join(', ') : value);

const isGroup = (key: string): key is Group => (GROUPS as readonly string[]).includes(key);

/** Every setting with its value, in the order of the schema, groups last. */
export function listSettings(config: TrainConfig): { path: SettingPath; value: SettingValue }[] {
  const single = Object.entries(config).flatMap(([key, value]) => (isGroup(key) ? [] : [{ path: key as SettingPath, value: value as SettingValue }]));
  const grouped = GROUPS.flatMap((group) => Object.entries(config[group] ?? {}).map(([key, value]) => ({ path: `${group}.${key}` as SettingPath, value: toValue(value) })));
  return [...single, ...grouped];
}

/** A copy with one setting changed; the value is not checked here. */
export function withSetting(config: TrainConfig, path: SettingPath, value: SettingValue): TrainConfig {
  const [group, key] = path.split('.') as [string, string | undefined];
  if (key === undefined || !isGroup(group)) return { ...config, [path]: value };
  const names = path === 'lora.targetModules' && value !== 'all-linear' ? String(value).split(',').map((name) => name.trim()).filter((name) => name !== '') : value;
  return { ...config, [group]: { ...config[group], [key]: names } };
}

/** The settings in which a configuration differs from another one, by default from the defaults. */
export function diffSettings(config: TrainConfig, reference: TrainConfig = defaultTrainConfig): SettingDifference[] {
  const other = new Map(listSettings(reference).map(({ path, value }) => [path, value]));
  return listSettings(config).flatMap(({ path, value }) => {
    const before = other.get(path);
    return before === undefined || Object.is(before, value) ? [] : [{ path, value, reference: before }];
  });
}
