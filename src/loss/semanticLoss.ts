/**
 * The training objective: stay good on benign rows, move away from unsafe ones. Takes what the head loss says of each
 * response token and gives back what that has to be differentiated with; knows no logits, no language model and no optimizer.
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
import type * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { TrainConfig } from '../config/train.ts';
import { assertTensor } from '../kernels/assertShape.ts';
import type { HeadLoss } from '../kernels/headLoss/headLoss.ts';
import { objectiveOf } from '../kernels/semanticObjective/semanticObjective.ts';
import type { Slice } from '../kernels/slice.ts';

export type SemanticLossSettings = Pick<TrainConfig, 'semanticLambda' | 'emdObjective' | 'prefixWeighting' | 'importanceLogClamp' | 'klBeta'>;

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
