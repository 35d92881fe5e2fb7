/**
 * Which linear layers of an LM an adapter can be put beside, by their Hugging Face module paths, and how they lie in the products the LM
 * computes. Follows from the config alone. The head and the embedding are not among them.
 */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from './lmConfig.ts';
import { type LayerNames, parameterNames, parameterShapes } from './lmParameters.ts';

/** The products of a layer that have weights. */
export const loraProducts = ['qkv', 'attentionOutput', 'mlpInput', 'mlpOutput'] as const satisfies readonly (keyof LayerNames)[];
export type LoraProduct = (typeof loraProducts)[number];

/** One linear layer. */
export interface LoraModule {
  /** "model.layers.0.self_attn.q_proj" */
  path: string;
  /** Its weight: the path and ".weight". */
  weight: string;
  layer: number;
  product: LoraProduct;
  inputs: number;
  outputs: number;
  /** Its first column in the result of the product. */
  from: number;
}

/** What PEFT calls the two matrices of a layer, in files and in a model of its own: it puts a prefix before the paths of the base LM. */
export const loraNames = (path: string): { a: string; b: string } => ({ a: `base_model.model.${path}.lora_A.weight`, b: `base_model.model.${path}.lora_B.weight` });

/** Every linear layer of the blocks, in the order of the LM. */
export function loraModules(config: LmConfig): LoraModule[] {
  const shapes = parameterShapes(config);
  return parameterNames(config).layers.flatMap((names, layer) =>
    loraProducts.flatMap((product) => {
      let from = 0;
      return names[product].weights.map((weight): LoraModule => {
        const shape = shapes.get(weight) as [number, number];
        const [outputs, inputs] = config.weightLayout === 'outIn' ? shape : [shape[1], shape[0]];
        const module = { path: weight.slice(0, -'.weight'.length), weight, layer, product, inputs, outputs, from };
        from += outputs;
        return module;
      });
    }),
  );
}

const lastName = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

/** What people call the layers: "q_proj", "c_attn", "query_key_value" … in the order of the LM. */
export const loraTargets = (config: LmConfig): string[] => [...new Set(loraModules(config).map(({ path }) => lastName(path)))];

/** Whether a name means this module, as in PEFT: the path itself or the end of it, whole names only. */
export const isTargetedBy = (path: string, target: string): boolean => path === target || path.endsWith(`.${target}`);

/**
 * The modules that a setting means.
 * @throws EngineError bad-config for a name that means none of this LM's
 */
export function targetedModules(config: LmConfig, targetModules: readonly string[] | 'all-linear'): LoraModule[] {
  const modules = loraModules(config);
  if (targetModules === 'all-linear') return modules;
  for (const target of targetModules)
    if (!modules.some(({ path }) => isTargetedBy(path, target)))
      throw new EngineError('bad-config', `LoRA: no linear layer of this LM is called "${target}"; it has ${loraTargets(config).join(', ')}.`);
  return modules.filter(({ path }) => targetModules.some((target) => isTargetedBy(path, target)));
}

/** The shortest names that mean exactly these modules: the layers' own names where every layer of that name is among them, else whole paths. */
export function targetNames(config: LmConfig, paths: ReadonlySet<string>): string[] {
  const modules = loraModules(config).map(({ path }) => path);
  const ordered = modules.filter((path) => paths.has(path));
  const names = [...new Set(ordered.map(lastName))].filter((name) => modules.every((path) => !isTargetedBy(path, name) || paths.has(path)));
  return [...names, ...ordered.filter((path) => !names.includes(lastName(path)))];
}
