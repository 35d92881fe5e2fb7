/** CPU twin of crossEntropy: pure functions on flat arrays, rows of V logits. */
import { EngineError } from '../../base/errors.ts';
import type { Floats } from '../floats.ts';

/** Rows with this label count as nothing: loss 0, gradient 0 (the convention of PyTorch and Transformers). */
export const ignoredLabel = -100;

/** @throws EngineError bad-argument for a label that is neither ignored nor in the vocabulary */
export function assertLabels(labels: Int32Array, V: number): void {
  for (const label of labels) {
    if (label !== ignoredLabel && (label < 0 || label >= V)) throw new EngineError('bad-argument', `crossEntropy: label ${label} is outside the vocabulary of ${V}.`);
  }
}

/** nll[r] = logSumExp(logits[r]) − logits[r, label]; logSumExp is also kept for the gradient. @throws EngineError bad-argument for a label outside the vocabulary */
export function crossEntropyForward(logits: Floats, labels: Int32Array, nll: Floats, logSumExp: Floats, V: number): void {
  assertLabels(labels, V);
  for (let r = 0; r < labels.length; r++) {
    const base = r * V;
    let max = logits[base]!;
    for (let v = 1; v < V; v++) {
      const z = logits[base + v]!;
      if (z > max) max = z;
    }
    let sum = 0;
    for (let v = 0; v < V; v++) sum += Math.exp(logits[base + v]! - max);
    const total = max + Math.log(sum);
    const label = labels[r]!;
    logSumExp[r] = total;
    nll[r] = label === ignoredLabel ? 0 : total - logits[base + label]!;
  }
}

/** gradLogits = gradNll · (softmax(logits) − onehot(label)); overwritten. */
export function crossEntropyBackward(logits: Floats, labels: Int32Array, logSumExp: Floats, gradNll: Floats, gradLogits: Floats, V: number): void {
  for (let r = 0; r < labels.length; r++) {
    const base = r * V;
    const g = labels[r] === ignoredLabel ? 0 : gradNll[r]!;
    if (g === 0) {
      gradLogits.fill(0, base, base + V);
      continue;
    }
    const total = logSumExp[r]!;
    for (let v = 0; v < V; v++) gradLogits[base + v] = g * Math.exp(logits[base + v]! - total);
    gradLogits[base + labels[r]!]! -= g;
  }
}
