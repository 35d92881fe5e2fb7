/** CPU twin of sumSquares. */
import type { Floats } from '../floats.ts';

/** Σ x², accumulated in float64. */
export function sumSquares(x: Floats): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i]! * x[i]!;
  return sum;
}

/** Norm of the mean of the summed gradients of `microBatches`, and the factor that averages and clips them: as torch.nn.utils.clip_grad_norm_. */
export function clipFactor(grads: Floats, maxNorm: number, microBatches: number): { norm: number; scale: number } {
  return clipFactorOf(sumSquares(grads), maxNorm, microBatches);
}

/** clipFactor for a known Σ x². */
export function clipFactorOf(sum: number, maxNorm: number, microBatches: number): { norm: number; scale: number } {
  const norm = Math.sqrt(sum) / microBatches;
  return { norm, scale: Math.min(1, maxNorm / (norm + 1e-6)) / microBatches };
}
