/** A LoRA adapter as the two files that PEFT reads, in PEFT's names and layout. Not for the model card (modelCard.ts). */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lmConfig.ts';
import type { LoraConfig } from '../config/lora.ts';
import { loraModules, loraNames } from '../config/loraModules.ts';
import { toPeftConfig } from '../config/peftConfig.ts';
import { toStoredForm } from '../config/storedForm.ts';
import { ADAPTER_CONFIG, ADAPTER_WEIGHTS } from '../loader/peftAdapter.ts';
import { type TensorValues, writeSafetensors } from '../loader/safetensors.ts';

/** What an adapter is made of. */
export interface AdapterValues {
  config: LoraConfig;
  /** By PEFT's names, rows of B in the LM's order; borrowed. */
  tensors: ReadonlyMap<string, TensorValues>;
}

/**
 * adapter_model.safetensors, float32.
 * @throws EngineError bad-argument for values that are no numbers
 * @returns owned by the caller
 */
export function writeLoraTensors(lm: LmConfig, tensors: ReadonlyMap<string, TensorValues>): Uint8Array {
  const written = new Map<string, TensorValues>();
  for (const { path, weight } of loraModules(lm)) {
    const { a, b } = loraNames(path);
    const [valuesA, valuesB] = [tensors.get(a), tensors.get(b)];
    if (!valuesA || !valuesB) continue;
    for (const [name, { data }] of [[a, valuesA], [b, valuesB]] as const)
      if (!data.every(Number.isFinite)) throw new EngineError('bad-argument', `export: "${name}" has a value that is not a number. Go back to an earlier checkpoint.`);
    written.set(a, valuesA);
    written.set(b, { shape: valuesB.shape, data: toStoredForm(lm, weight, valuesB.data) });
  }
  return writeSafetensors(written, 'F32', { format: 'pt' });
}

/**
 * @param base how PEFT finds the base LM: its Hub id or path, and the commit
 * @returns owned by the caller
 * @throws EngineError bad-argument
 */
export function writePeftAdapter(lm: LmConfig, { config, tensors }: AdapterValues, base: { nameOrPath: string | null; revision: string | null }): { path: string; bytes: Uint8Array }[] {
  const paths = new Set(loraModules(lm).filter(({ path }) => tensors.has(loraNames(path).a)).map(({ path }) => path));
  const json = `${JSON.stringify(toPeftConfig(lm, config, paths, base), null, 2)}\n`;
  return [
    { path: ADAPTER_CONFIG, bytes: new TextEncoder().encode(json) },
    { path: ADAPTER_WEIGHTS, bytes: writeLoraTensors(lm, tensors) },
  ];
}
