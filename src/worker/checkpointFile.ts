/**
 * Checkpoints as safetensors. Half precision, as the export writes it: what is evaluated and exported later are the very same weights.
 * Not for going on with training: that takes the full state.
 */
import type { NamedValues } from '../kernels/slabLayout.ts';
import { writeSafetensors } from '../loader/safetensors.ts';

/** Largest finite number of half precision. */
const F16_MAX = 65504;

/**
 * Byte for byte the weights file of an export, so that both have the same fingerprint.
 * @param params borrowed @returns owned by the caller
 */
export function encodeCheckpoint(params: ReadonlyMap<string, NamedValues>): Uint8Array {
  const fits = [...params.values()].every(({ data }) => data.every((value) => Math.abs(value) <= F16_MAX));
  return writeSafetensors(params, fits ? 'F16' : 'F32', { format: 'pt' });
}
