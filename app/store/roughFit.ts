/**
 * Whether training an adapter of a model of this size can fit, before anything of it is known: from its download and the open engine alone.
 * Pure. Only for a list; the verdict that counts comes from its config (config/fit.ts).
 */
import { deviceLimitsOf } from '../../src/config/fit.ts';
import type { EngineView } from '../../src/protocol/views.ts';

/**
 * Straight lines through what `estimateFit` says of SmolLM2 135M and 360M, Qwen2.5 0.5B and TinyLlama in 16 bits: 2.4, 4.6, 5.2, 7.8 GB with the
 * default settings; 1.0, 1.5, 2.5, 3.4 GB with one row of each kind and gradient checkpointing. Bytes.
 */
const withDefaults = (downloadBytes: number): number => 1.9e9 + 2.7 * downloadBytes;
const withSmallest = (downloadBytes: number): number => 1e9 + 1.25 * downloadBytes;
/** WebGPU does not tell how much memory there is; up to this much most devices have. Bytes. */
const COMMON_GPU_BYTES = 4 * 2 ** 30;

/** @returns `fits` with the default settings, `tight` with smaller ones, `wontFit` with none */
export function roughFit(downloadBytes: number, engine: Pick<EngineView, 'backend' | 'maxBufferSizeBytes'>): 'fits' | 'tight' | 'wontFit' {
  const { totalBytes } = deviceLimitsOf(engine);
  const allowed = 0.8 * (totalBytes ?? COMMON_GPU_BYTES / 0.8);
  if (withDefaults(downloadBytes) <= allowed) return 'fits';
  // A GPU may have more than it tells.
  return totalBytes === null || withSmallest(downloadBytes) <= totalBytes ? 'tight' : 'wontFit';
}
