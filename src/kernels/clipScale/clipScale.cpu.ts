/** CPU twin of clipScale. */
import type { Floats } from '../floats.ts';

/** Σ x², accumulated in float64. */
export function sumSquares(x: Floats): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return sum;
}

/**
 * Norm of the mean of the summed gradients of `microBatches`, and the factor that averages and clips them, as torch.nn.utils.clip_grad_norm_;
 * NaN, which tells the optimizer to change nothing, if the norm or a loss is not finite, or a step before this one was held back.
 * @param sum  Σ x² of the gradients
 * @param held [1]: 1 once a step was held back; rewritten
 */
export function clipFactor(sum: number, losses: Floats, held: Floats, maxNorm: number, microBatches: number): { norm: number; scale: number } {
  const norm = Math.sqrt(sum) / microBatches;
  if (!Number.isFinite(Math.fround(norm)) || losses.some((loss) => !Number.isFinite(loss))) held[0] = 1;
  return { norm, scale: held[0] === 1 ? Number.NaN : Math.min(1, maxNorm / (norm + 1e-6)) / microBatches };
}
