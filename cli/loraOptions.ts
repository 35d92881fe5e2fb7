/** The options of `train` that choose between a full fine-tune and an adapter; each overrides its setting in the file. */
import type { TrainConfig } from '../src/config/train.ts';
import { type OptionSpecs, toChoice, toNumber, toWholeNumber, UsageError } from './options.ts';

export const loraOptions: OptionSpecs = {
  method: { value: 'full|lora', description: 'train every weight, or a LoRA adapter beside frozen ones' },
  'lora-r': { value: 'N', description: 'rank of the adapter' },
  'lora-alpha': { value: 'X', description: 'its product is scaled by alpha / r' },
  'lora-dropout': { value: 'P', description: 'share of its inputs dropped in training' },
  'lora-target-modules': { value: 'NAMES', description: 'layers, e.g. q_proj,v_proj, or all-linear' },
};

/**
 * @param values of the command line
 * @throws UsageError
 */
export function withLoraOptions(config: TrainConfig, values: Record<string, string | undefined>): TrainConfig {
  const { method, 'lora-r': r, 'lora-alpha': alpha, 'lora-dropout': dropout, 'lora-target-modules': targets } = values;
  const trainingMethod = method === undefined ? config.trainingMethod : toChoice('method', method, ['full', 'lora']);
  const given = Object.entries({ 'lora-r': r, 'lora-alpha': alpha, 'lora-dropout': dropout, 'lora-target-modules': targets }).find(([, value]) => value !== undefined);
  if (trainingMethod === 'full' && given) throw new UsageError(`--${given[0]} is for adapters. Add --method lora.`);
  const names = targets?.split(',').map((name) => name.trim());
  if (names?.includes('')) throw new UsageError(`--lora-target-modules "${targets}" has an empty name in it.`);
  return {
    ...config,
    trainingMethod,
    lora: {
      ...config.lora,
      ...(r === undefined ? {} : { r: toWholeNumber('lora-r', r, 1, 512) }),
      ...(alpha === undefined ? {} : { loraAlpha: toNumber('lora-alpha', alpha, 1e-6, 1e6) }),
      ...(dropout === undefined ? {} : { loraDropout: toNumber('lora-dropout', dropout, 0, 0.99) }),
      ...(names === undefined ? {} : { targetModules: targets === 'all-linear' ? 'all-linear' : names }),
    },
  };
}
