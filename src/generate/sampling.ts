/**
 * Chooses the next token from one row of logits: greedy, or temperature with top-k and top-p, as transformers does.
 * Runs in float64 on downloaded rows, so that every backend draws alike. Not for deciding when to stop.
 */
import { EngineError } from '../base/errors.ts';
import type { Rng } from '../base/rng.ts';

export interface SamplingConfig {
  /** 0 is greedy. */
  temperature: number;
  /** 0 keeps all tokens. */
  topK: number;
  /** 1 keeps all tokens. */
  topP: number;
}

function notFinite(): EngineError {
  return new EngineError('internal', 'The LM gave logits that are not numbers. Its weights have diverged: train with a lower learning rate.');
}

/** Index of the largest logit, the first one among equals. @throws EngineError internal for NaN */
export function argMax(logits: Float32Array): number {
  let best = 0;
  let max = logits[0] as number;
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i] as number;
    sum += value;
    if (value > max) {
      max = value;
      best = i;
    }
  }
  if (Number.isNaN(sum)) throw notFinite();
  return best;
}

/** The k-th largest of the candidates' logits. */
function kthLargest(logits: Float32Array, k: number): number {
  return Float32Array.from(logits).sort()[logits.length - k] as number;
}

/**
 * Tokens that may be drawn and their probabilities (not normalised), by falling probability where top-p cuts.
 * Ties at the edge of top-k are all kept, as in transformers.
 */
function candidates(logits: Float32Array, { temperature, topK, topP }: SamplingConfig): { tokens: number[]; weights: number[] } {
  const floor = topK > 0 && topK < logits.length ? kthLargest(logits, topK) : -Infinity;
  let max = -Infinity;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i] as number;
    if (Number.isNaN(value)) throw notFinite();
    if (value > max) max = value;
  }
  if (!Number.isFinite(max)) throw notFinite();
  const tokens: number[] = [];
  const weights: number[] = [];
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const value = logits[i] as number;
    if (value < floor) continue;
    const weight = Math.exp((value - max) / temperature);
    if (weight === 0) continue;
    tokens.push(i);
    weights.push(weight);
    sum += weight;
  }
  if (topP >= 1) return { tokens, weights };

  // All tokens below this together weigh less than what top-p leaves out, so they need not be sorted.
  const negligible = ((1 - topP) * sum) / logits.length;
  const order: number[] = [];
  for (let i = 0; i < tokens.length; i++) if ((weights[i] as number) >= negligible) order.push(i);
  order.sort((a, b) => (weights[b] as number) - (weights[a] as number) || a - b);
  const kept: number[] = [];
  let mass = 0;
  for (const i of order) {
    kept.push(i);
    mass += weights[i] as number;
    if (mass >= topP * sum) break;
  }
  return { tokens: kept.map((i) => tokens[i] as number), weights: kept.map((i) => weights[i] as number) };
}

/**
 * @param logits [V], borrowed
 * @param rng advanced by exactly one draw, and only if temperature > 0
 * @returns a token id
 * @throws EngineError internal if the logits are not numbers
 */
export function sampleToken(logits: Float32Array, config: SamplingConfig, rng: Rng): number {
  if (config.temperature === 0) return argMax(logits);
  const { tokens, weights } = candidates(logits, config);
  let sum = 0;
  for (const weight of weights) sum += weight;
  let target = rng.next() * sum;
  for (let i = 0; i < tokens.length; i++) {
    target -= weights[i] as number;
    if (target < 0) return tokens[i] as number;
  }
  return tokens.at(-1) as number; // rounding left a crumb
}
