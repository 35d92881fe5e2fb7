/** CPU twin of sampleTokens: one row of logits to one token, in float64. */
import type { Floats } from '../floats.ts';

export interface SamplingConfig {
  /** 0 is greedy. */
  temperature: number;
  /** 0 keeps all tokens. */
  topK: number;
  /** 1 keeps all tokens. */
  topP: number;
}

/** Index of the largest logit, the first one among equals; −1 where one is NaN or +∞, or all are −∞. */
export function argMax(logits: Floats): number {
  let best = -1;
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i]!;
    if (!(value < Infinity)) return -1;
    if (value > max) {
      max = value;
      best = i;
    }
  }
  return best;
}

/** The k-th largest logit: tokens below it may not be drawn, ties with it all may. */
function topKFloor(logits: Floats, topK: number): number {
  return topK > 0 && topK < logits.length ? logits.slice().sort()[logits.length - topK]! : -Infinity;
}

/** Sets the weights that top-p leaves out to 0: of the falling weights, ties by index, the fewest that reach the share stay. */
function cutToTopP(weights: Float64Array, topP: number): void {
  const sum = weights.reduce((a, b) => a + b, 0);
  // All tokens below this together weigh less than what is left out, so they need not be sorted.
  const negligible = ((1 - topP) * sum) / weights.length;
  const order: number[] = [];
  for (let i = 0; i < weights.length; i++) if (weights[i]! > 0 && weights[i]! >= negligible) order.push(i);
  order.sort((a, b) => weights[b]! - weights[a]! || a - b);
  let mass = 0;
  const kept = new Map<number, number>();
  for (const i of order) {
    kept.set(i, weights[i]!);
    mass += weights[i]!;
    if (mass >= topP * sum) break;
  }
  weights.fill(0);
  for (const [i, weight] of kept) weights[i] = weight;
}

/**
 * @param logits  one row, borrowed
 * @param uniform in [0, 1]: where to cut the cumulative probabilities of the kept tokens, in the order of their indices
 * @returns a token id, or −1 where argMax gives it
 */
export function sampleRow(logits: Floats, { temperature, topK, topP }: SamplingConfig, uniform: number): number {
  const best = argMax(logits);
  if (best < 0 || temperature === 0) return best;
  const max = logits[best]!;
  const floor = topKFloor(logits, topK);
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < logits.length; i++) if (logits[i]! >= floor) weights[i] = Math.exp((logits[i]! - max) / temperature);
  if (topP < 1) cutToTopP(weights, topP);
  let target = uniform * weights.reduce((a, b) => a + b, 0);
  let last = best;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] === 0) continue;
    last = i;
    target -= weights[i]!;
    if (target < 0) return i;
  }
  return last; // rounding left a crumb
}
