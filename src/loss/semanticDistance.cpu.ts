/**
 * Earth Mover's Distance between a token distribution and an unsafe token, in plain arithmetic on whole logits: the reference that the head loss is
 * checked against, itself checked against a linear program and central differences. Not for training.
 *
 * p = softmax(z) over V tokens, q = one-hot at the label y, e_k = frozen unit embedding of token k (row of the cost
 * table), mu = sum_k p_k e_k, nu = sum_k q_k e_k, cost C_ij = 1 - e_i.e_j.
 *   emd_exact        D = 1 - e_y.mu          the EMD itself: with a one-hot q there is only one coupling
 *   emd_lower_bound  D = 1/2 |mu - nu|^2     <= EMD for any q (Jensen)
 * A zero row of the table (a token without an embedding) has similarity 0 to every token: it neither pulls nor pushes.
 */
import type { EmdObjective } from '../kernels/headLoss/headLoss.cpu.ts';

type FloatArray = Float32Array | Float64Array;

/** Sizes: N tokens, V vocabulary, D embedding. */
export interface SemanticDistanceShape {
  N: number;
  V: number;
  D: number;
}

/**
 * Scales every row to Euclidean length 1, in place; rows of length 0 stay 0.
 * @param table [V, D], rewritten
 */
export function normalizeRows<T extends FloatArray>(table: T, V: number, D: number): T {
  for (let k = 0; k < V; k++) {
    let squares = 0;
    for (let d = 0; d < D; d++) squares += table[k * D + d]! ** 2;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let d = 0; d < D; d++) table[k * D + d]! *= scale;
  }
  return table;
}

/** softmax over each row of [N, V], stable for any finite logits. Owned by the caller. */
export function softmaxRows<T extends FloatArray>(logits: T, N: number, V: number): T {
  const probs = logits.slice() as T;
  for (let n = 0; n < N; n++) {
    const row = probs.subarray(n * V, (n + 1) * V);
    let max = -Infinity;
    for (let k = 0; k < V; k++) if (row[k]! > max) max = row[k]!;
    let sum = 0;
    for (let k = 0; k < V; k++) sum += row[k] = Math.exp(row[k]! - max);
    for (let k = 0; k < V; k++) row[k]! /= sum;
  }
  return probs;
}

/** Mean embedding of each distribution: [N, V] x [V, D] -> [N, D]. Owned by the caller. */
export function meanEmbedding<T extends FloatArray>(probs: T, costEmbedding: T, { N, V, D }: SemanticDistanceShape): T {
  const mean = new (probs.constructor as new (length: number) => T)(N * D);
  for (let n = 0; n < N; n++)
    for (let k = 0; k < V; k++) {
      const p = probs[n * V + k]!;
      for (let d = 0; d < D; d++) mean[n * D + d]! += p * costEmbedding[k * D + d]!;
    }
  return mean;
}

/**
 * From mean embeddings to distances, and what the gradient needs of them.
 * @param mean [N, D] mean embedding of each distribution, borrowed
 * @param out  distance [N]: D; direction [N, D]: x = -e_y (exact) or mu - nu (lower bound); offset [N]: mu.x. All written.
 */
export function distanceFromMean<T extends FloatArray>(
  mean: T,
  labels: Int32Array,
  costEmbedding: T,
  D: number,
  objective: EmdObjective,
  out: { distance: T; direction: T; offset: T },
): void {
  for (let n = 0; n < labels.length; n++) {
    const y = labels[n]! * D;
    let distance = 0;
    let offset = 0;
    for (let d = n * D, e = y; d < (n + 1) * D; d++, e++) {
      const m = mean[d]!;
      const x = objective === 'emd_exact' ? -costEmbedding[e]! : m - costEmbedding[e]!;
      out.direction[d] = x;
      offset += m * x;
      distance += x * x;
    }
    out.offset[n] = offset;
    out.distance[n] = objective === 'emd_exact' ? 1 + offset : distance / 2;
  }
}

/**
 * The last step of the gradient: dz_k = dy p_k (e_k.x - mu.x).
 * @param dots [N, V] e_k.x, borrowed
 * @param out  [N, V], written
 */
export function combineGradient<T extends FloatArray>(dy: T, probs: T, dots: T, offset: T, V: number, out: T): void {
  for (let n = 0; n < dy.length; n++) {
    const g = dy[n]!;
    const o = offset[n]!;
    for (let i = n * V; i < (n + 1) * V; i++) out[i] = g * probs[i]! * (dots[i]! - o);
  }
}

function pieces<T extends FloatArray>(logits: T, labels: Int32Array, costEmbedding: T, shape: SemanticDistanceShape, objective: EmdObjective) {
  const { N, V, D } = shape;
  const array = (length: number) => new (logits.constructor as new (length: number) => T)(length);
  const probs = softmaxRows(logits, N, V);
  const out = { distance: array(N), direction: array(N * D), offset: array(N) };
  distanceFromMean(meanEmbedding(probs, costEmbedding, shape), labels, costEmbedding, D, objective, out);
  return { ...out, probs };
}

/**
 * D of each token.
 * @param logits        [N, V], borrowed
 * @param labels        [N] token ids in 0..V-1, borrowed
 * @param costEmbedding [V, D] unit or zero rows, borrowed
 * @returns             [N], owned by the caller
 */
export function semanticDistanceCpu<T extends FloatArray>(logits: T, labels: Int32Array, costEmbedding: T, shape: SemanticDistanceShape, objective: EmdObjective): T {
  return pieces(logits, labels, costEmbedding, shape, objective).distance;
}

/**
 * Gradient of sum_n dy_n D_n with respect to the logits.
 * @param dy [N], borrowed; the others as in semanticDistanceCpu
 * @returns  [N, V], owned by the caller
 */
export function semanticDistanceGradCpu<T extends FloatArray>(
  dy: T,
  logits: T,
  labels: Int32Array,
  costEmbedding: T,
  shape: SemanticDistanceShape,
  objective: EmdObjective,
): T {
  const { N, V, D } = shape;
  const { probs, direction, offset } = pieces(logits, labels, costEmbedding, shape, objective);
  const dots = probs.slice() as T;
  for (let n = 0; n < N; n++)
    for (let k = 0; k < V; k++) {
      let dot = 0;
      for (let d = 0; d < D; d++) dot += costEmbedding[k * D + d]! * direction[n * D + d]!;
      dots[n * V + k] = dot;
    }
  const gradient = probs.slice() as T;
  combineGradient(dy, probs, dots, offset, V, gradient);
  return gradient;
}
