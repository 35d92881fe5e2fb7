/**
 * The training objective: stay good on benign rows, move away from unsafe ones. Takes logits of response tokens only;
 * knows no language model and no optimizer.
 *
 *   L = mean over benign tokens of -log p(y)  +  semantic term  +  KL anchor
 *
 * The semantic term, over the n unsafe tokens of the micro-batch, with D_t the semantic distance of p_t from y_t:
 *   none           -lambda/n sum_t D_t
 *   stop_gradient  -lambda/n sum_t w_t D_t,        w_t = prod_{s<t} p(y_s), a constant to the gradient
 *   importance      lambda/n sum_t rho_t (1 - D_t), rho_t = prod_{s<t} p(y_s) / p_base(y_s), gradient through rho;
 *                   the cumulative log ratio is clamped above at importanceLogClamp, where its gradient is 0
 * The unsafe rows were sampled from the base LM, so the importance form estimates the tuned LM's own expected
 * similarity to unsafe tokens; it starts at the value of `none` plus lambda, and fades as rho does.
 *
 * The KL anchor: lambda beta/n sum_t v_t KL(p_t || p_base,t), with v_t = min(1, w_t or rho_t), a constant to the gradient.
 *
 * Source: the method of TA-SFT (Lu et al., arXiv 2412.06843), of which only the abstract could be read. emd_lower_bound
 * is a lower bound in the spirit of TA-SFT. Differs: prefix weights, importance form and anchor are ours.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import { assertTensor } from '../kernels/assertShape.ts';
import { crossEntropy } from '../kernels/crossEntropy/crossEntropy.ts';
import type { HeadLoss } from '../kernels/headLoss/headLoss.ts';
import { prefixWeights } from '../kernels/prefixWeights/prefixWeights.ts';
import { objectiveOf } from '../kernels/semanticObjective/semanticObjective.ts';
import { semanticDistance } from '../kernels/semanticDistance/semanticDistance.ts';
import { withGradient } from '../kernels/withGradient.ts';
import type { Slice } from '../kernels/slice.ts';
import { klDivergence } from './klDivergence.ts';

export type SemanticLossSettings = Pick<TrainConfig, 'semanticLambda' | 'emdObjective' | 'prefixWeighting' | 'importanceLogClamp' | 'klBeta'>;

/** The benign response tokens: logits [N, V] float32, labels [N] int32. */
export interface BenignTokens {
  logits: tf.Tensor2D;
  labels: tf.Tensor1D;
}

/** The unsafe response tokens, row after row. */
export interface UnsafeTokens extends BenignTokens {
  /** [R + 1] int32: row r owns tokens rowOffsets[r] .. rowOffsets[r + 1] - 1. */
  rowOffsets: tf.Tensor1D;
  /** [N] float32: log p_base(y) of each token. Frozen. */
  baseLogProbs: tf.Tensor1D;
  /** [N, V] float32, frozen; needed if klBeta > 0. */
  baseLogits: tf.Tensor2D | null;
  /** [V, D] float32, unit rows, frozen (createCostEmbedding). */
  costEmbedding: tf.Tensor2D;
}

/** Scalars in nats (the distance and the weight have no unit), owned by the caller. total = benign + semantic + kl. */
export interface SemanticLossTerms {
  total: tf.Scalar;
  benign: tf.Scalar;
  semantic: tf.Scalar;
  kl: tf.Scalar;
  meanDistance: tf.Scalar;
  meanWeight: tf.Scalar;
}

function mean(values: tf.Tensor): tf.Scalar {
  return tf.div(tf.sum(values), values.size) as tf.Scalar;
}

/** log p(y) of each token: minus the cross-entropy of the same logits. [N], differentiable, owned by the caller. */
export function labelLogProbs(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  return tf.neg(crossEntropy(logits, labels)) as tf.Tensor1D;
}

/** w_t, rho_t or null for weights of 1. */
function distanceWeights(unsafe: UnsafeTokens, settings: SemanticLossSettings): tf.Tensor1D | null {
  if (settings.prefixWeighting === 'none') return null;
  const logProbs = labelLogProbs(unsafe.logits, unsafe.labels);
  if (settings.prefixWeighting === 'stop_gradient') return prefixWeights(logProbs, unsafe.rowOffsets, { clamp: 0, stopGradient: true });
  const logRatios = tf.sub(logProbs, unsafe.baseLogProbs) as tf.Tensor1D;
  return prefixWeights(logRatios, unsafe.rowOffsets, { clamp: settings.importanceLogClamp, stopGradient: false });
}

/** The anchor before lambda beta: mean of v_t KL_t. `weights` enter as constants. */
function meanKl(unsafe: UnsafeTokens, weights: tf.Tensor1D | null): tf.Scalar {
  if (!unsafe.baseLogits) throw new EngineError('bad-argument', 'The KL anchor (klBeta > 0) needs the logits of the base LM.');
  const kl = klDivergence(unsafe.logits, unsafe.baseLogits);
  if (!weights) return mean(kl);
  const constant = withGradient(weights, (w) => ({ value: tf.minimum(w, 1), gradFunc: (grad) => tf.zerosLike(grad) }));
  return mean(tf.mul(constant, kl));
}

/**
 * The objective and its terms. Call inside tf.variableGrads or tf.tidy: intermediates are left to it.
 * @param benign tokens to learn, or null for none; borrowed
 * @param unsafe tokens to move away from, or null for none; borrowed
 * @throws EngineError bad-argument if there is neither, or klBeta > 0 without base logits
 */
export function semanticLoss(benign: BenignTokens | null, unsafe: UnsafeTokens | null, settings: SemanticLossSettings): SemanticLossTerms {
  if (!benign && !unsafe) throw new EngineError('bad-argument', 'The training objective needs benign or unsafe tokens.');
  const zero = tf.scalar(0);
  const benignTerm = benign ? mean(crossEntropy(benign.logits, benign.labels)) : zero;
  if (!unsafe) return { total: benignTerm, benign: benignTerm, semantic: zero, kl: zero, meanDistance: zero, meanWeight: zero };

  const { semanticLambda: lambda, emdObjective, prefixWeighting, klBeta } = settings;
  const distance = semanticDistance(unsafe.logits, unsafe.labels, unsafe.costEmbedding, emdObjective);
  const weights = distanceWeights(unsafe, settings);
  const each = prefixWeighting === 'importance' ? tf.sub(1, distance) : tf.neg(distance);
  const semantic = tf.mul(mean(weights ? tf.mul(weights, each) : each), lambda) as tf.Scalar;
  const kl = klBeta > 0 ? (tf.mul(meanKl(unsafe, weights), lambda * klBeta) as tf.Scalar) : zero;
  return {
    total: tf.add(tf.add(benignTerm, semantic), kl),
    benign: benignTerm,
    semantic,
    kl,
    meanDistance: mean(distance),
    meanWeight: weights ? mean(weights) : tf.scalar(1),
  };
}

/** What the objective is computed from of the unsafe tokens, row after row. Borrowed. */
export interface UnsafeScores {
  /** Of a head loss with a cost, and with an anchor if klBeta > 0. */
  state: HeadLoss;
  /** [R + 1] int32: row r owns tokens rowOffsets[r] .. rowOffsets[r + 1] - 1. */
  rowOffsets: tf.Tensor;
  /** [N] float32: log p_base(y) of each token. Frozen. */
  baseLogProbs: tf.Tensor;
}

/** Terms and gradients of the objective. */
export interface SemanticObjective {
  /** [6] total, benign, semantic, kl (nats), mean distance, mean weight; owned by the caller. total = benign + semantic + kl. */
  terms: tf.Tensor1D;
  /** What goes into headLossBackward; slices of one tensor that `dispose` frees. */
  benign: { gradLogProbs: Slice; gradDistance: null; gradKl: null } | null;
  unsafe: { gradLogProbs: Slice; gradDistance: Slice; gradKl: Slice | null } | null;
  /** Frees the gradients, not the terms. */
  dispose(): void;
}

/**
 * The objective over the scores that head losses gave, and its gradients with respect to them; all of it on the device.
 * @param benign tokens to learn, or null for none; borrowed
 * @param unsafe tokens to move away from, or null for none; borrowed
 * @throws EngineError bad-argument if there is neither, or scores without what the settings need; bad-shape
 */
export function semanticObjective(benign: HeadLoss | null, unsafe: UnsafeScores | null, settings: Omit<SemanticLossSettings, 'emdObjective'>): SemanticObjective {
  if (!benign && !unsafe) throw new EngineError('bad-argument', 'The training objective needs benign or unsafe tokens.');
  const scores: Parameters<typeof objectiveOf>[0] = benign ? { benign: benign.logProbs } : {};
  if (unsafe) {
    const { logProbs, distance, kl } = unsafe.state;
    if (!distance) throw new EngineError('bad-argument', 'The training objective needs the semantic distance of the unsafe tokens: give the head loss a cost.');
    if (settings.klBeta > 0 && !kl) throw new EngineError('bad-argument', 'The KL anchor (klBeta > 0) needs the base LM: give the head loss an anchor.');
    assertTensor('semanticObjective', 'rowOffsets', unsafe.rowOffsets, [null], 'int32');
    assertTensor('semanticObjective', 'baseLogProbs', unsafe.baseLogProbs, logProbs.shape);
    Object.assign(scores, { logProbs, distance, baseLogProbs: unsafe.baseLogProbs, rowOffsets: unsafe.rowOffsets, ...(kl ? { kl } : {}) });
  }
  const { gradients, terms, slices } = objectiveOf(scores, settings);
  return {
    terms,
    benign: slices.benign ? { gradLogProbs: slices.benign, gradDistance: null, gradKl: null } : null,
    unsafe: slices.logProbs && slices.distance ? { gradLogProbs: slices.logProbs, gradDistance: slices.distance, gradKl: slices.kl ?? null } : null,
    dispose: () => gradients.dispose(),
  };
}
