/**
 * `adapter_config.json` of a LoRA adapter, as PEFT 0.21 writes it. Options that change what the adapter computes and that the engine lacks
 * are refused by name; so are options that nobody knew when this was written, unless they are empty.
 */
import { z } from 'zod';
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from './lmConfig.ts';
import { type LoraConfig, loraConfigSchema } from './lora.ts';
import { isTargetedBy, targetedModules, targetNames } from './loraModules.ts';

export interface PeftConfig {
  r: number;
  loraAlpha: number;
  loraDropout: number;
  useRslora: boolean;
  /** Names; or a regular expression over whole paths in Python's dialect, which is kept and not evaluated. */
  targetModules: string[] | 'all-linear' | { pattern: string };
  excludeModules: string[] | { pattern: string } | null;
  baseModelNameOrPath: string | null;
  revision: string | null;
}

const names = z.array(z.string().min(1).max(1000)).max(20_000);
const { r, loraAlpha, loraDropout } = loraConfigSchema.shape;
const schema = z.looseObject({
  peft_type: z.string(),
  r: r.unwrap(),
  lora_alpha: loraAlpha.unwrap(),
  lora_dropout: loraDropout.unwrap().nullish(),
  use_rslora: z.boolean().nullish(),
  target_modules: z.union([z.string().min(1).max(100_000), names]).nullish(),
  exclude_modules: z.union([z.string().max(100_000), names]).nullish(),
  base_model_name_or_path: z.string().max(10_000).nullish(),
  revision: z.string().max(1000).nullish(),
  bias: z.string().nullish(),
  task_type: z.string().nullish(),
  fan_in_fan_out: z.boolean().nullish(),
  init_lora_weights: z.union([z.boolean(), z.string()]).nullish(),
});

/** Known, and without meaning for what a finished adapter computes. */
const HARMLESS = new Set([
  ...Object.keys(schema.shape),
  'auto_mapping', 'ensure_weight_tying', 'eva_config', 'inference_mode', 'layers_pattern', 'loftq_config', 'megatron_core', 'peft_version', 'qalora_group_size', 'runtime_config',
]);
/** Ways to begin that leave the base weights alone. The others (PiSSA, OLoRA, CorDA, LoftQ …) train beside changed ones. */
const INITIALISATIONS: ReadonlySet<unknown> = new Set([true, false, null, undefined, 'gaussian', 'eva', 'orthogonal']);

const unsupported = (what: string) => new EngineError('unsupported', `adapter_config.json: ${what} is not supported; plain LoRA adapters are.`);

/** Null, false, {} and [], and objects of nothing else. */
function isEmpty(value: unknown, depth = 0): boolean {
  if (value === null || value === undefined || value === false) return true;
  if (typeof value !== 'object' || depth > 3) return false;
  return Object.values(value).every((inner) => isEmpty(inner, depth + 1));
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value) ?? '';
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};

/**
 * @param untrusted parsed JSON
 * @throws EngineError bad-config for malformed values, unsupported for valid ones that the engine lacks; the option is named
 */
export function parsePeftConfig(untrusted: unknown): PeftConfig {
  const peftType = (untrusted as { peft_type?: unknown } | null | undefined)?.peft_type;
  if (typeof peftType === 'string' && peftType !== 'LORA') throw unsupported(`peft_type ${shown(peftType)}`);
  const parsed = schema.safeParse(untrusted);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw new EngineError('bad-config', `adapter_config.json: ${issue?.path.join('.') || 'file'}: ${issue?.message ?? 'invalid'}.`);
  }
  const raw = parsed.data;
  for (const [key, value] of Object.entries(raw)) if (!HARMLESS.has(key) && !isEmpty(value)) throw unsupported(`${key}: ${shown(value)}`);
  if (raw.bias != null && raw.bias !== 'none') throw unsupported(`bias: ${shown(raw.bias)}`);
  if (raw.task_type != null && raw.task_type !== 'CAUSAL_LM') throw unsupported(`task_type: ${shown(raw.task_type)}`);
  if (!INITIALISATIONS.has(raw.init_lora_weights)) throw unsupported(`init_lora_weights: ${shown(raw.init_lora_weights)}, which changes the base weights,`);
  const { target_modules: targets, exclude_modules: excluded } = raw;
  if (targets == null || targets.length === 0) throw new EngineError('bad-config', 'adapter_config.json: target_modules is missing.');
  return {
    r: raw.r,
    loraAlpha: raw.lora_alpha,
    loraDropout: raw.lora_dropout ?? 0,
    useRslora: raw.use_rslora ?? false,
    targetModules: Array.isArray(targets) ? targets : targets === 'all-linear' ? targets : { pattern: targets },
    excludeModules: excluded == null || excluded.length === 0 ? null : Array.isArray(excluded) ? excluded : { pattern: excluded },
    baseModelNameOrPath: raw.base_model_name_or_path ?? null,
    revision: raw.revision ?? null,
  };
}

/**
 * The settings of an adapter whose tensors were found beside these modules. The tensors decide; the config must not say otherwise, as far as
 * it can be told without Python's regular expressions.
 * @param paths module paths of this LM
 * @throws EngineError bad-file
 */
export function loraConfigOf(config: LmConfig, peft: PeftConfig, paths: ReadonlySet<string>): LoraConfig {
  const { r, loraAlpha, loraDropout, useRslora, targetModules: targets, excludeModules: excluded } = peft;
  if (targets === 'all-linear' || Array.isArray(targets)) {
    const isExcluded = (path: string): boolean => Array.isArray(excluded) && excluded.some((name) => isTargetedBy(path, name));
    const meant = targets === 'all-linear' ? null : targets;
    const isMeant = (path: string): boolean => !isExcluded(path) && (meant === null || meant.some((name) => isTargetedBy(path, name)));
    for (const path of paths) if (!isMeant(path)) throw new EngineError('bad-file', `The adapter has matrices for "${path}", which target_modules of adapter_config.json does not name. Do the two files belong together?`);
    // Where a pattern excludes, what is missing may be meant to be.
    if (excluded === null || Array.isArray(excluded))
      for (const { path } of targetedModules(config, 'all-linear'))
        if (isMeant(path) && !paths.has(path)) throw new EngineError('bad-file', `The adapter has no matrices for "${path}", which target_modules of adapter_config.json names. Is the file complete?`);
  }
  return { r, loraAlpha, loraDropout, useRslora, targetModules: targetNames(config, paths) };
}

/**
 * The contents of adapter_config.json for an adapter of ours, with every key that PEFT 0.21 needs to load it.
 * @param paths module paths that the adapter has matrices for
 */
export function toPeftConfig(config: LmConfig, lora: LoraConfig, paths: ReadonlySet<string>, base: { nameOrPath: string | null; revision: string | null }): Record<string, unknown> {
  return {
    alpha_pattern: {},
    auto_mapping: null,
    base_model_name_or_path: base.nameOrPath,
    bias: 'none',
    exclude_modules: null,
    fan_in_fan_out: config.weightLayout === 'inOut',
    inference_mode: true,
    init_lora_weights: true,
    layer_replication: null,
    layers_pattern: null,
    layers_to_transform: null,
    lora_alpha: lora.loraAlpha,
    lora_dropout: lora.loraDropout,
    modules_to_save: null,
    peft_type: 'LORA',
    r: lora.r,
    rank_pattern: {},
    revision: base.revision,
    target_modules: targetNames(config, paths),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: lora.useRslora,
  };
}
