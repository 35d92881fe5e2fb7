/**
 * Semantic distance of each token distribution from an unsafe token, as a differentiable op: softmax and two matrix
 * products, with one small kernel after each. The gradient is closed (dz = dy p (E x - mu.x)), so no [V, V] cost matrix
 * and no one-hot is ever made. Not for soft targets.
 */
import * as tf from '@tensorflow/tfjs-core';
import { EngineError } from '../../base/errors.ts';
import { assertTensor } from '../assertShape.ts';
import { runKernel, type KernelSpec } from '../kernelSpec.ts';
import { withGradient } from '../withGradient.ts';
import { combineGradient, distanceFromMean, type EmdObjective } from './semanticDistance.cpu.ts';
import { combineGradientWgsl, distanceFromMeanWgsl } from './semanticDistance.webgpu.ts';

const distanceFromMeanSpec: KernelSpec<'mean' | 'labels' | 'costEmbedding'> = {
  name: 'SidestepSemanticDistanceFromMean',
  outputs: ({ mean }) => [
    { shape: [mean.shape[0]!], dtype: 'float32' },
    { shape: mean.shape, dtype: 'float32' },
    { shape: [mean.shape[0]!], dtype: 'float32' },
  ],
  host: ({ mean, labels, costEmbedding }, { objective }, [distance, direction, offset]) =>
    distanceFromMean(mean.f32, labels.i32, costEmbedding.f32, mean.shape[1]!, objective as EmdObjective, {
      distance: distance!.f32,
      direction: direction!.f32,
      offset: offset!.f32,
    }),
  webgpu: distanceFromMeanWgsl,
};

const combineGradientSpec: KernelSpec<'dy' | 'probs' | 'dots' | 'offset'> = {
  name: 'SidestepSemanticDistanceCombine',
  outputs: ({ probs }) => [{ shape: probs.shape, dtype: 'float32' }],
  host: ({ dy, probs, dots, offset }, _attributes, [out]) => combineGradient(dy.f32, probs.f32, dots.f32, offset.f32, probs.shape[1]!, out!.f32),
  webgpu: combineGradientWgsl,
};

/** The kernels of this folder, for registration. */
export const semanticDistanceSpecs = [distanceFromMeanSpec, combineGradientSpec];

/**
 * D of each token, with its gradient with respect to the logits.
 * emd_exact: the Earth Mover's Distance 1 - e_y.mu; emd_lower_bound: 1/2 |mu - e_y|^2, a lower bound of it in the spirit
 * of TA-SFT (Lu et al., arXiv 2412.06843). mu is the mean cost embedding under softmax(logits).
 * @param logits        [N, V] float32, borrowed
 * @param labels        [N] int32 in 0..V-1, borrowed; the caller checks the range
 * @param costEmbedding [V, D] float32, rows of length 1 or 0 (see createCostEmbedding), frozen: it gets no gradient; borrowed
 * @returns             [N] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument for tensors that do not fit
 */
export function semanticDistance(logits: tf.Tensor2D, labels: tf.Tensor1D, costEmbedding: tf.Tensor2D, objective: EmdObjective): tf.Tensor1D {
  const [N, V] = logits.shape;
  assertTensor('semanticDistance', 'logits', logits, [null, null]);
  assertTensor('semanticDistance', 'labels', labels, [N], 'int32');
  assertTensor('semanticDistance', 'costEmbedding', costEmbedding, [V, null]);
  if (N === 0) throw new EngineError('bad-shape', 'semanticDistance: logits has no rows.');
  return withGradient(logits, (z, save) => {
    const probs = tf.softmax(z as tf.Tensor2D);
    const mean = tf.matMul(probs, costEmbedding);
    const [distance, direction, offset] = runKernel(distanceFromMeanSpec.name, { mean, labels, costEmbedding }, { objective });
    save([probs, direction!, offset!]);
    return {
      value: distance!,
      gradFunc: (dy, saved) => {
        const [p, x, o] = saved as [tf.Tensor2D, tf.Tensor2D, tf.Tensor1D];
        const dots = tf.matMul(x, costEmbedding, false, true);
        return runKernel(combineGradientSpec.name, { dy, probs: p, dots, offset: o })[0]!;
      },
    };
  }) as tf.Tensor1D;
}
