/**
 * Earth Mover's Distance between a token distribution and an unsafe token, in plain arithmetic: the twin that
 * every faster version is checked against. Generic over Float32Array and Float64Array, so that gradients can be
 * checked in double precision. Not for training: it is a scalar triple loop.
 *
 * p = softmax(z) over V tokens, q = one-hot at the label y, e_k = frozen unit embedding of token k (row of the cost
 * table), mu = sum_k p_k e_k, nu = sum_k q_k e_k, cost C_ij = 1 - e_i.e_j.
 *   emd_exact        D = 1 - e_y.mu          the EMD itself: with a one-hot q there is only one coupling
 *   emd_lower_bound  D = 1/2 |mu - nu|^2     <= EMD for any q (Jensen)
 * A zero row of the table (a token without an embedding) has similarity 0 to every token: it neither pulls nor pushes.
 */

export type EmdObjective = 'emd_exact' | 'emd_lower_bound';
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
 * D of each token.
 * @param logits        [N, V], borrowed
 * @param labels        [N] token ids in 0..V-1, borrowed
 * @param costEmbedding [V, D] unit or zero rows, borrowed
 * @returns             [N], owned by the caller
 */
export function semanticDistanceCpu<T extends FloatArray>(
  logits: T,
  labels: Int32Array,
  costEmbedding: T,
  shape: SemanticDistanceShape,
  objective: EmdObjective,
): T {
  const { N, V, D } = shape;
  const mean = meanEmbedding(softmaxRows(logits, N, V), costEmbedding, shape);
  const distance = new (logits.constructor as new (length: number) => T)(N);
  for (let n = 0; n < N; n++) {
    const y = labels[n]! * D;
    let sum = 0;
    if (objective === 'emd_exact') {
      for (let d = 0; d < D; d++) sum += costEmbedding[y + d]! * mean[n * D + d]!;
      distance[n] = 1 - sum;
    } else {
      for (let d = 0; d < D; d++) sum += (mean[n * D + d]! - costEmbedding[y + d]!) ** 2;
      distance[n] = sum / 2;
    }
  }
  return distance;
}

/**
 * Gradient of sum_n dy_n D_n with respect to the logits: dz_k = dy p_k (e_k.x - mu.x),
 * x = -e_y (exact) or mu - nu (lower bound).
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
  const gradient = softmaxRows(logits, N, V);
  const mean = meanEmbedding(gradient, costEmbedding, shape);
  const x = new (logits.constructor as new (length: number) => T)(D);
  for (let n = 0; n < N; n++) {
    const y = labels[n]! * D;
    let meanDotX = 0;
    for (let d = 0; d < D; d++) {
      const unsafe = costEmbedding[y + d]!;
      x[d] = objective === 'emd_exact' ? -unsafe : mean[n * D + d]! - unsafe;
      meanDotX += mean[n * D + d]! * x[d]!;
    }
    for (let k = 0; k < V; k++) {
      let dot = 0;
      for (let d = 0; d < D; d++) dot += costEmbedding[k * D + d]! * x[d]!;
      gradient[n * V + k]! *= dy[n]! * (dot - meanDotX);
    }
  }
  return gradient;
}
