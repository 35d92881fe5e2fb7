/**
 * CPU twin of the training objective over what the head loss gives of each token: its terms and its gradients, in plain arithmetic.
 * Formulas in loss/semanticLoss.ts. Not for logits: those gradients are the head loss's.
 */
import type { Floats } from '../floats.ts';

export type PrefixWeighting = 'none' | 'stop_gradient' | 'importance';

export interface ObjectiveSettings {
  semanticLambda: number;
  prefixWeighting: PrefixWeighting;
  /** Cumulative log ratio above which the importance weight stops growing, nats. */
  importanceLogClamp: number;
  klBeta: number;
}

/** Of each unsafe token, row after row: [N]; row r owns tokens rowOffsets[r] .. rowOffsets[r + 1] - 1. */
export interface UnsafeScores {
  logProbs: Floats;
  distance: Floats;
  /** null without an anchor. */
  kl: Floats | null;
  baseLogProbs: Floats;
  rowOffsets: Int32Array;
}

/** Gradients to write, of the lengths of the scores; null where there is none. */
export interface ObjectiveGrads {
  benign: Floats | null;
  logProbs: Floats | null;
  distance: Floats | null;
  kl: Floats | null;
}

/** Log ratio above which prefix weights stop growing: a probability never exceeds 1. */
export const clampOf = ({ prefixWeighting, importanceLogClamp }: ObjectiveSettings): number => (prefixWeighting === 'importance' ? importanceLogClamp : 0);

/**
 * Log ratio below which a prefix weight counts as 0: beside weights around 1 it is lost in float32, and the numbers far below it that would go
 * through the matrix products (denormal ones) make these several times slower on the CPU, just when the LM has turned away.
 */
export const negligibleLogWeight = -30;

/**
 * Terms of one row, summed over its tokens and added to `sums`; and its gradients.
 * @param sums [semantic, kl, distance, weight] before any factor
 */
function unsafeRow(from: number, to: number, scores: UnsafeScores, settings: ObjectiveSettings, n: number, grads: ObjectiveGrads, sums: Float64Array): void {
  const { semanticLambda: lambda, prefixWeighting, klBeta } = settings;
  const importance = prefixWeighting === 'importance';
  const clamp = clampOf(settings);
  let sum = 0;
  for (let t = from; t < to; t++) {
    const weight = prefixWeighting === 'none' ? 1 : sum < negligibleLogWeight ? 0 : Math.exp(Math.min(clamp, sum));
    const distance = scores.distance[t]!;
    const value = importance ? 1 - distance : -distance;
    sums[0]! += weight * value;
    sums[2]! += distance;
    sums[3]! += weight;
    grads.distance![t] = (-lambda * weight) / n;
    if (scores.kl && grads.kl) {
      const anchorWeight = Math.min(1, weight);
      sums[1]! += anchorWeight * scores.kl[t]!;
      grads.kl[t] = (lambda * klBeta * anchorWeight) / n;
    }
    // For now what later tokens pull on the earlier ones of their row with; 0 where the clamp holds.
    grads.logProbs![t] = importance && sum <= clamp ? (lambda / n) * weight * value : 0;
    sum += scores.logProbs[t]! - (importance ? scores.baseLogProbs[t]! : 0);
  }
  let suffix = 0;
  for (let t = to - 1; t >= from; t--) {
    const pull = grads.logProbs![t]!;
    grads.logProbs![t] = suffix;
    suffix += pull;
  }
}

/**
 * @param benign [Nb] log probabilities, or null
 * @param terms  [6] total, benign, semantic, kl, mean distance, mean weight; written
 */
export function semanticObjectiveCpu(benign: Floats | null, unsafe: UnsafeScores | null, settings: ObjectiveSettings, grads: ObjectiveGrads, terms: Floats): void {
  const { semanticLambda: lambda, klBeta } = settings;
  let nll = 0;
  if (benign) {
    for (let t = 0; t < benign.length; t++) nll -= benign[t]!;
    nll /= benign.length;
    grads.benign!.fill(-1 / benign.length);
  }
  const sums = new Float64Array(4);
  const n = unsafe ? unsafe.logProbs.length : 1;
  if (unsafe) for (let row = 0; row + 1 < unsafe.rowOffsets.length; row++) unsafeRow(unsafe.rowOffsets[row]!, unsafe.rowOffsets[row + 1]!, unsafe, settings, n, grads, sums);
  const semantic = (lambda / n) * sums[0]!;
  const kl = ((lambda * klBeta) / n) * sums[1]!;
  terms.set([nll + semantic + kl, nll, semantic, kl, sums[2]! / n, sums[3]! / n]);
}
