/**
 * CPU twins of the row kernels between the matrix products of the head loss: pure functions on flat arrays, one tile at a time.
 *
 * A tile holds the logits z = x . W^T of R tokens and of the `columns` vocabulary entries from `from` on. The vocabulary is swept once forward
 * (online softmax: highest logit and sum so far, rescaled when a higher logit comes) and once backward.
 * p = softmax(z), e_k = unit cost embedding of token k, mu = sum_k p_k e_k, y = label, q = softmax of the anchor's logits.
 */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

/**
 * emd_exact        D = 1 - e_y.mu         the Earth Mover's Distance itself, as a one-hot target leaves one coupling only; x = -e_y
 * emd_lower_bound  D = 1/2 |mu - e_y|^2   <= the distance (Jensen), in the spirit of TA-SFT (Lu et al., arXiv 2412.06843); x = mu - e_y
 * The gradient of both: dz_k = p_k (e_k.x - mu.x).
 */
export type EmdObjective = 'emd_exact' | 'emd_lower_bound';

/** Numbers that are kept of each token. */
export const statsWidth = 6;

/** Where they are: first while the vocabulary is swept, then, for those that `finishRows` replaces, for the way back. */
export const stat = {
  /** Highest logit so far. */
  max: 0,
  /** Sum of exp(z - max) so far; then its logarithm, apart from max, which may be far larger. */
  sum: 1,
  /** Logit of the label; NaN while it has not come by. */
  labelLogit: 2,
  /** Highest logit of the anchor so far; then mu.x. */
  anchorMax: 3,
  /** Sum of exp(anchor's z - anchorMax) so far; then the anchor's log-sum-exp. */
  anchorSum: 4,
  /** Sum of exp(z - max) (z - anchor's z) so far; then KL(p || q). */
  klSum: 5,
} as const;

/** @throws EngineError bad-argument for a label outside the vocabulary */
export function assertLabels(labels: Int32Array, V: number): void {
  for (const label of labels) if (label < 0 || label >= V) throw new EngineError('bad-argument', `headLoss: label ${label} is outside the vocabulary of ${V}.`);
}

export interface SweepOptions {
  columns: number;
  /** First vocabulary entry of the tile. */
  from: number;
  /** The stats hold nothing yet. */
  first: boolean;
  /** Leave exp(z - max) in the tile instead of z. */
  write: boolean;
}

function highest(values: Floats, from: number, count: number): number {
  let max = values[from]!;
  for (let i = from + 1; i < from + count; i++) if (values[i]! > max) max = values[i]!;
  return max;
}

/**
 * Takes a tile into the stats of its rows.
 * @param tile   [R, columns] logits; rewritten with `write`
 * @param stats  [R, statsWidth] rewritten
 * @param mean   [R, D] sum of exp(z - max) e so far, scaled to the new highest logit, or null
 * @param anchor [R, columns] the anchor's logits, or null
 */
export function sweepRows(tile: Floats, labels: Int32Array, stats: Floats, mean: Floats | null, anchor: Floats | null, options: SweepOptions): void {
  const { columns, from, first, write } = options;
  const D = mean ? mean.length / labels.length : 0;
  for (let r = 0; r < labels.length; r++) {
    const base = r * columns;
    const s = r * statsWidth;
    const tileMax = highest(tile, base, columns);
    const max = first ? tileMax : Math.max(stats[s + stat.max]!, tileMax);
    const factor = first ? 0 : Math.exp(stats[s + stat.max]! - max);
    const label = labels[r]! - from;
    if (label >= 0 && label < columns) stats[s + stat.labelLogit] = tile[base + label]!;
    else if (first) stats[s + stat.labelLogit] = NaN;
    if (anchor) {
      const anchorTileMax = highest(anchor, base, columns);
      const anchorMax = first ? anchorTileMax : Math.max(stats[s + stat.anchorMax]!, anchorTileMax);
      let anchorSum = first ? 0 : stats[s + stat.anchorSum]! * Math.exp(stats[s + stat.anchorMax]! - anchorMax);
      for (let k = base; k < base + columns; k++) anchorSum += Math.exp(anchor[k]! - anchorMax);
      stats[s + stat.anchorMax] = anchorMax;
      stats[s + stat.anchorSum] = anchorSum;
    }
    let sum = first ? 0 : stats[s + stat.sum]! * factor;
    let klSum = first ? 0 : stats[s + stat.klSum]! * factor;
    for (let k = base; k < base + columns; k++) {
      const z = tile[k]!;
      const e = Math.exp(z - max);
      sum += e;
      if (anchor) klSum += e * (z - anchor[k]!);
      if (write) tile[k] = e;
    }
    stats[s + stat.max] = max;
    stats[s + stat.sum] = sum;
    if (anchor) stats[s + stat.klSum] = klSum;
    if (mean && !first) for (let d = r * D; d < (r + 1) * D; d++) mean[d]! *= factor;
  }
}

/** What `finishRows` writes: [N] each; distance with a cost, kl with an anchor. */
export interface RowResults {
  logProbs: Floats;
  distance: Floats | null;
  kl: Floats | null;
}

/**
 * From the stats of the whole vocabulary to the results.
 * @param stats [N, statsWidth] rewritten for the way back
 * @param cost  mean [N, D] of `sweepRows`, rewritten with x; embedding [V, D], or with byRow the labels' rows of it [N, D]; or null
 */
export function finishRows(stats: Floats, labels: Int32Array, cost: { mean: Floats; embedding: Floats; objective: EmdObjective; byRow?: boolean } | null, out: RowResults): void {
  const D = cost ? cost.mean.length / labels.length : 0;
  for (let r = 0; r < labels.length; r++) {
    const s = r * statsWidth;
    const sum = stats[s + stat.sum]!;
    const logSum = Math.log(sum);
    const max = stats[s + stat.max]!;
    out.logProbs[r] = stats[s + stat.labelLogit]! - max - logSum;
    if (out.kl) {
      const anchorLogSumExp = stats[s + stat.anchorMax]! + Math.log(stats[s + stat.anchorSum]!);
      out.kl[r] = stats[s + stat.klSum]! / sum - (max + logSum) + anchorLogSumExp;
      stats[s + stat.anchorSum] = anchorLogSumExp;
      stats[s + stat.klSum] = out.kl[r]!;
    }
    stats[s + stat.sum] = logSum;
    if (!cost || !out.distance) continue;
    let squares = 0;
    let offset = 0;
    for (let d = 0; d < D; d++) {
      const m = cost.mean[r * D + d]! / sum;
      const e = cost.embedding[(cost.byRow ? r : labels[r]!) * D + d]!;
      const x = cost.objective === 'emd_exact' ? -e : m - e;
      cost.mean[r * D + d] = x;
      offset += m * x;
      squares += x * x;
    }
    stats[s + stat.anchorMax] = offset;
    out.distance[r] = cost.objective === 'emd_exact' ? 1 + offset : squares / 2;
  }
}

/** into[r, k] *= factors[k]; with x, into[r, k] += factors[k] x[r, k]. */
export function scaleColumnsRows(into: Floats, factors: Floats, x: Floats | null): void {
  const columns = factors.length;
  for (let i = 0; i < into.length; i++) into[i] = x ? into[i]! + factors[i % columns]! * x[i]! : into[i]! * factors[i % columns]!;
}

/** out[r, :] = scale[r] x[r, :]; with `clear`, x becomes 0. */
export function takeScaledRows(x: Floats, scale: Floats, out: Floats, clear: boolean): void {
  const D = x.length / scale.length;
  for (let r = 0; r < scale.length; r++) {
    const factor = scale[r]!;
    for (let i = r * D; i < (r + 1) * D; i++) out[i] = x[i]! * factor;
  }
  if (clear) x.fill(0);
}

/**
 * The anchor's part of what p is multiplied with: gradKl (log p - log q - KL), in place of the anchor's logits.
 * @param anchor [R, columns] rewritten
 */
export function anchorPull(tile: Floats, anchor: Floats, stats: Floats, gradKl: Floats): void {
  const columns = tile.length / gradKl.length;
  for (let r = 0; r < gradKl.length; r++) {
    const s = r * statsWidth;
    const shift = stats[s + stat.anchorSum]! - (stats[s + stat.max]! + stats[s + stat.sum]!) - stats[s + stat.klSum]!;
    const factor = gradKl[r]!;
    for (let k = r * columns; k < (r + 1) * columns; k++) anchor[k] = factor * (tile[k]! - anchor[k]! + shift);
  }
}

export interface LogitGradOptions {
  columns: number;
  from: number;
  /** The tile holds exp(z - max) instead of z. */
  kept: boolean;
}

/**
 * Gradient with respect to the logits of a tile, in place of them: gradLogProbs (onehot - p) + p (pull - gradDistance mu.x).
 * @param pull [R, columns] e_k.(gradDistance x), plus the anchor's part; or null without a cost (then gradDistance too)
 */
export function logitGradRows(
  tile: Floats,
  pull: Floats | null,
  stats: Floats,
  labels: Int32Array,
  gradLogProbs: Floats,
  gradDistance: Floats | null,
  { columns, from, kept }: LogitGradOptions,
): void {
  for (let r = 0; r < labels.length; r++) {
    const s = r * statsWidth;
    const max = stats[s + stat.max]!;
    const logSum = stats[s + stat.sum]!;
    const scale = Math.exp(-logSum);
    const g = gradLogProbs[r]!;
    const less = g + (gradDistance ? gradDistance[r]! * stats[s + stat.anchorMax]! : 0);
    for (let k = r * columns; k < (r + 1) * columns; k++) {
      const p = kept ? tile[k]! * scale : Math.exp(tile[k]! - max - logSum);
      tile[k] = p * ((pull ? pull[k]! : 0) - less);
    }
    const label = labels[r]! - from;
    if (label >= 0 && label < columns) tile[r * columns + label]! += g;
  }
}
