/** Loss terms and parameter gradients of one micro-batch. Not for applying them (see trainer.ts). */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../base/errors.ts';
import type { Batch } from '../data/batches.ts';
import type { LanguageModel } from '../lm/params.ts';
import { semanticLoss, type SemanticLossSettings } from '../loss/semanticLoss.ts';
import { hiddenStatesOf, logitsAt, type BaseReference } from './baseReference.ts';

/** The order of the loss terms in the tensor that `computeGradients` returns. */
export const termNames = ['lossTotal', 'lossBenign', 'lossSemantic', 'lossKl', 'meanDistance', 'meanWeight'] as const;

/**
 * One forward and backward pass over benign and unsafe rows together.
 * @param batch without unsafe tokens, or with semanticLambda 0, this is plain supervised fine-tuning
 * @returns gradients by parameter name, and the loss terms as one tensor [6] in the order of termNames; owned by the caller
 * @throws EngineError internal if a parameter gets no gradient
 */
export function computeGradients(
  lm: LanguageModel,
  reference: BaseReference,
  batch: Batch,
  settings: SemanticLossSettings,
): { gradients: Map<string, tf.Tensor>; terms: tf.Tensor1D } {
  const usesUnsafe = settings.semanticLambda > 0 && batch.unsafe.labels.length > 0;
  const { costEmbedding } = reference;
  const ids = (values: Int32Array) => tf.tensor1d(values, 'int32');
  let terms: tf.Tensor1D | undefined;
  const gradients = tf.tidy(() => {
    // Outside the tape: nothing of the base LM is differentiated.
    const frozen = usesUnsafe && costEmbedding && {
      rowOffsets: ids(batch.unsafe.rowOffsets),
      baseLogProbs: reference.logProbsOf(batch),
      baseLogits: settings.klBeta > 0 ? reference.logitsOf(batch) : null,
      costEmbedding,
    };
    const { grads } = tf.variableGrads(
      () => {
        const hidden = hiddenStatesOf(lm, batch);
        const benign = batch.benign.labels.length > 0 ? { logits: logitsAt(lm, hidden, batch.benign.positions), labels: ids(batch.benign.labels) } : null;
        const unsafe = frozen ? { ...frozen, logits: logitsAt(lm, hidden, batch.unsafe.positions), labels: ids(batch.unsafe.labels) } : null;
        const loss = semanticLoss(benign, unsafe, settings);
        terms = tf.keep(tf.stack([loss.total, loss.benign, loss.semantic, loss.kl, loss.meanDistance, loss.meanWeight]) as tf.Tensor1D);
        return loss.total;
      },
      [...lm.params.values()],
    );
    return grads;
  });
  const byParameter = new Map<string, tf.Tensor>();
  for (const [name, variable] of lm.params) {
    const gradient = gradients[variable.name];
    if (!gradient) throw new EngineError('internal', `Training: parameter ${name} got no gradient.`);
    byParameter.set(name, gradient);
  }
  return { gradients: byParameter, terms: terms! };
}
