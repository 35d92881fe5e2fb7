/** Loss terms and parameter gradients of one micro-batch. Not for applying them (see trainer.ts). */
import * as tf from '@tensorflow/tfjs-core';
import type { TrainConfig } from '../config/train.ts';
import type { Batch, ResponseTokens } from '../data/batches.ts';
import { gatherRows, scatterRows } from '../kernels/embedding/embedding.ts';
import { type HeadLoss, headLossBackward, headLossForward } from '../kernels/headLoss/headLoss.ts';
import { differentiableForward } from '../lm/forward.ts';
import type { LanguageModel } from '../lm/params.ts';
import { gradientOf } from '../lm/pass.ts';
import { semanticObjective, type SemanticLossSettings } from '../loss/semanticLoss.ts';
import type { BaseReference } from './baseReference.ts';

/** The order of the loss terms in the tensor that `addGradients` returns. */
export const termNames = ['lossTotal', 'lossBenign', 'lossSemantic', 'lossKl', 'meanDistance', 'meanWeight'] as const;

const ids = (values: Int32Array): tf.Tensor1D => tf.tensor1d(values.slice(), 'int32');

/** What of a batch goes through the head, and where its gradient goes back to. */
function part(hidden: tf.Tensor, { positions, labels }: ResponseTokens): { hidden: tf.Tensor; labels: tf.Tensor1D } {
  return { hidden: gatherRows(hidden, ids(positions)), labels: ids(labels) };
}

/**
 * One forward and backward pass over benign and unsafe rows together.
 * @param batch     without unsafe tokens, or with semanticLambda 0, this is plain supervised fine-tuning
 * @param gradients slab laid out as the LM's; the gradient is added to it
 * @returns the loss terms as one tensor [6] in the order of termNames, owned by the caller
 */
export function addGradients(
  lm: LanguageModel,
  reference: BaseReference,
  batch: Batch,
  settings: SemanticLossSettings & Pick<TrainConfig, 'gradientCheckpointing'>,
  gradients: tf.Tensor,
): tf.Tensor1D {
  const usesBenign = batch.benign.labels.length > 0;
  const usesUnsafe = settings.semanticLambda > 0 && batch.unsafe.labels.length > 0;
  return tf.tidy(() => {
    const body = differentiableForward(lm, batch, gradients, settings);
    const head = lm.head;
    const benign = usesBenign ? headLossForward({ ...part(body.y, batch.benign), head }) : null;
    const unsafe = usesUnsafe ? { ...reference.tokensOf(batch), state: headLossForward({ ...part(body.y, batch.unsafe), head, ...reference.frozenOf(batch, settings) }) } : null;
    body.y.dispose();
    const objective = semanticObjective(benign, unsafe, settings);
    const back = (state: HeadLoss, coefficients: Parameters<typeof headLossBackward>[1]): tf.Tensor => headLossBackward(state, coefficients, gradientOf(lm, head, gradients));
    const gradHidden = [benign && back(benign, objective.benign!), unsafe && back(unsafe.state, objective.unsafe!)].filter((grad) => grad !== null);
    const positions = [...(usesBenign ? batch.benign.positions : []), ...(usesUnsafe ? batch.unsafe.positions : [])];
    const together = gradHidden.length === 1 ? gradHidden[0]! : tf.concat(gradHidden, 0);
    body.backward(scatterRows(together, tf.tensor1d(positions, 'int32'), batch.B * batch.T));
    return objective.terms;
  });
}
