/** One layer of the LM: attention, then the MLP. Kept for the way back either whole or, checkpointed, by its input alone. */
import * as tf from '@tensorflow/tfjs-core';
import { attentionLayer } from './attentionLayer.ts';
import { mlpLayer } from './mlpLayer.ts';
import type { LanguageModel } from './params.ts';
import { type Differentiable, notDifferentiable, type Pass } from './pass.ts';

/** @param x [R, C], borrowed until `backward` was called */
export function block(lm: LanguageModel, index: number, x: tf.Tensor, pass: Pass): Differentiable {
  return lm.config.parallelResidual ? parallelBlock(lm, index, x, pass) : sequentialBlock(lm, index, x, pass);
}

/** x + attention(x) + mlp(x): GPT-J's order (Wang and Komatsuzaki 2021), which GPT-NeoX has too. */
function parallelBlock(lm: LanguageModel, index: number, x: tf.Tensor, pass: Pass): Differentiable {
  const attended = attentionLayer(lm, index, x, pass);
  const out = mlpLayer(lm, index, x, pass, attended.y);
  attended.y.dispose();
  if (!pass.gradients) return { y: out.y, backward: notDifferentiable };
  return {
    y: out.y,
    backward: (gradY) => {
      const gradMlp = out.backward(tf.clone(gradY));
      const gradAttention = attended.backward(gradY);
      const gradX = tf.add(gradMlp, gradAttention);
      tf.dispose([gradMlp, gradAttention]);
      return gradX;
    },
  };
}

/** The MLP reads what attention left. */
function sequentialBlock(lm: LanguageModel, index: number, x: tf.Tensor, pass: Pass): Differentiable {
  const attended = attentionLayer(lm, index, x, pass);
  const out = mlpLayer(lm, index, attended.y, pass);
  if (!pass.gradients) {
    attended.y.dispose();
    return { y: out.y, backward: notDifferentiable };
  }
  return {
    y: out.y,
    backward: (gradY) => {
      const gradAttended = out.backward(gradY);
      attended.y.dispose();
      return attended.backward(gradAttended);
    },
  };
}

/**
 * The same, computed a second time on the way back (gradient checkpointing, Chen et al. 2016): nothing but the input is kept in between, so
 * that memory grows with layers × one activation, for a third more arithmetic.
 * @param x [R, C], borrowed until `backward` was called
 */
export function checkpointedBlock(lm: LanguageModel, index: number, x: tf.Tensor, pass: Pass): Differentiable {
  const { y } = block(lm, index, x, { ...pass, gradients: null });
  return {
    y,
    backward: (gradY) => {
      const again = block(lm, index, x, pass);
      again.y.dispose();
      return again.backward(gradY);
    },
  };
}
