/**
 * Whether a model of this size can fit, before anything of it is known: from its download and the open engine alone. Pure.
 * Only for a list; the verdict that counts comes from its config (config/fit.ts).
 */
import { deviceLimitsOf } from '../../src/config/fit.ts';
import type { EngineView } from '../../src/protocol/views.ts';

/** What training an adapter holds beside the weights, measured on estimates of SmolLM2 and Qwen: it hardly grows with the size. Bytes. */
const BESIDE_WEIGHTS = 900_000_000;
/** WebGPU does not tell how much memory there is; up to this much most devices have. Bytes. */
const COMMON_GPU = 4 * 2 ** 30;

export function roughFit(downloadBytes: number, engine: Pick<EngineView, 'backend' | 'maxBufferSizeBytes'>): 'fits' | 'tight' | 'wontFit' {
  const { totalBytes } = deviceLimitsOf(engine);
  const needed = downloadBytes + BESIDE_WEIGHTS;
  if (totalBytes === null) return needed > COMMON_GPU ? 'tight' : 'fits';
  return needed > totalBytes ? 'wontFit' : needed > 0.8 * totalBytes ? 'tight' : 'fits';
}
