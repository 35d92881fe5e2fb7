/** The options --adapter and --strength: a PEFT LoRA adapter beside the model. */
import type { WeightsRef } from '../src/protocol/views.ts';
import { readDiskFolder } from './diskFolder.ts';
import type { CliEngine } from './engineSession.ts';
import { type OptionSpecs, toNumber, UsageError } from './options.ts';

export const ADAPTER_OPTIONS: OptionSpecs = {
  adapter: { value: 'DIR', description: 'PEFT LoRA adapter beside the model' },
  strength: { value: 'S', description: "the adapter's strength, 0 to 1.5", default: '1' },
};

export interface AdapterOption {
  folder: string;
  strength: number;
}

/** @returns null without an adapter @throws UsageError */
export function toAdapterOption({ adapter, strength }: Record<string, string | undefined>): AdapterOption | null {
  if (adapter === undefined && strength !== undefined) throw new UsageError('--strength needs --adapter DIR.');
  if (adapter === undefined) return null;
  return { folder: adapter, strength: strength === undefined ? 1 : toNumber('strength', strength, 0, 1.5) };
}

/** The weights that the options mean, on an engine whose base LM is loaded. @throws UsageError, EngineError bad-file, unsupported */
export async function importAdapterOption(engine: CliEngine, option: AdapterOption | null): Promise<WeightsRef> {
  if (!option) return { kind: 'base' };
  const { id } = await engine.run('importAdapter', { name: option.folder, files: await readDiskFolder(option.folder) });
  return { kind: 'run', runId: id, step: 'last', strength: option.strength };
}
