/**
 * Checkpoints of LoRA runs: the adapter alone, the very adapter_model.safetensors that PEFT reads. Not for checkpoints of whole LMs
 * (checkpointFile.ts).
 */
import { EngineError } from '../base/errors.ts';
import type { LmConfig } from '../config/lm.ts';
import type { LoraConfig } from '../config/lora.ts';
import { loraModules, loraNames } from '../config/loraModules.ts';
import { fromStoredForm } from '../config/storedForm.ts';
import { writeLoraTensors } from '../export/peftAdapter.ts';
import type { NamedValues } from '../kernels/slabLayout.ts';
import { createAdapter, withAdapter } from '../lm/adapter.ts';
import type { LanguageModel } from '../lm/params.ts';
import { parseSafetensors } from '../loader/safetensors.ts';

/** @param tensors by PEFT's names, as the LM holds them; borrowed @returns owned by the caller */
export const encodeAdapter = (config: LmConfig, tensors: ReadonlyMap<string, NamedValues>): Uint8Array => writeLoraTensors(config, tensors);

/** The inverse. @throws EngineError bad-file */
export function decodeAdapter(config: LmConfig, bytes: Uint8Array): Map<string, NamedValues> {
  const stored = parseSafetensors(bytes);
  const values = new Map<string, NamedValues>();
  for (const { path, weight } of loraModules(config)) {
    const { a, b } = loraNames(path);
    const [storedA, storedB] = [stored.get(a), stored.get(b)];
    if (!storedA || !storedB) continue;
    values.set(a, { shape: storedA.shape, data: storedA.data });
    values.set(b, { shape: storedB.shape, data: fromStoredForm(config, weight, storedB.data) });
  }
  if (values.size === 0 || values.size !== stored.size) throw new EngineError('bad-file', 'The checkpoint does not hold an adapter of the loaded model.');
  return values;
}

/**
 * The LM with a stored adapter.
 * @param base borrowed for the life of the result
 * @returns owned by the caller
 * @throws EngineError bad-file, bad-shape
 */
export function openAdapted(base: LanguageModel, lora: LoraConfig, bytes: Uint8Array, strength: number): LanguageModel {
  return withAdapter(base, createAdapter(base.config, lora, decodeAdapter(base.config, bytes), strength));
}
