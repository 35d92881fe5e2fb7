/** Token-wise cross-entropy with a stable log-sum-exp; the gradient never builds one-hot vectors. */
import * as tf from '@tensorflow/tfjs-core';
import { assertTensor } from '../assertShape.ts';
import { firstGradient, type KernelSpec, runKernel } from '../kernelSpec.ts';
import { assertLabels, crossEntropyBackward, crossEntropyForward, ignoredLabel } from './crossEntropy.cpu.ts';
import { crossEntropyGradProgram, crossEntropyProgram } from './crossEntropy.webgpu.ts';

const forward: KernelSpec<'logits' | 'labels'> = {
  name: 'SidestepCrossEntropy',
  outputs: ({ labels }) => [
    { shape: labels.shape, dtype: 'float32' },
    { shape: labels.shape, dtype: 'float32' },
  ],
  host: ({ logits, labels }, _attributes, [nll, logSumExp]) => crossEntropyForward(logits.f32, labels.i32, nll!.f32, logSumExp!.f32, logits.shape[1]!),
  wasm: (simd, { logits, labels }, _attributes, [nll, logSumExp]) => {
    const [N, V] = logits.shape as [number, number];
    assertLabels(simd.i32(labels), V);
    simd.run('crossEntropy', simd.parallel(15 * N * V), N, V, ignoredLabel, logits.at, labels.at, nll!.at, logSumExp!.at);
  },
  webgpu: ({ logits, labels }, _attributes, [nll, logSumExp]) => [
    crossEntropyProgram({ logits, labels, nll: nll!, logSumExp: logSumExp! }, logits.shape[0]!, logits.shape[1]!, ignoredLabel),
  ],
};

const backward: KernelSpec<'logits' | 'labels' | 'logSumExp' | 'gradNll'> = {
  name: 'SidestepCrossEntropyGrad',
  outputs: ({ logits }) => [{ shape: logits.shape, dtype: 'float32' }],
  host: ({ logits, labels, logSumExp, gradNll }, _attributes, [gradLogits]) =>
    crossEntropyBackward(logits.f32, labels.i32, logSumExp.f32, gradNll.f32, gradLogits!.f32, logits.shape[1]!),
  wasm: (simd, { logits, labels, logSumExp, gradNll }, _attributes, [gradLogits]) => {
    const [N, V] = logits.shape as [number, number];
    simd.run('crossEntropyGrad', simd.parallel(15 * N * V), N, V, ignoredLabel, logits.at, labels.at, logSumExp.at, gradNll.at, gradLogits!.at);
  },
  webgpu: ({ logits, labels, logSumExp, gradNll }, _attributes, [gradLogits]) => [
    crossEntropyGradProgram({ logits, labels, logSumExp, gradNll, gradLogits: gradLogits! }, logits.shape[0]!, logits.shape[1]!, ignoredLabel),
  ],
};

export const crossEntropySpecs = [forward, backward];

export const crossEntropyGradient: tf.GradConfig = {
  kernelName: forward.name,
  inputsToSave: ['logits', 'labels'],
  outputsToSave: [false, true],
  gradFunc: (gradOutputs, saved) => ({
    logits: () => {
      const [logits, labels, logSumExp] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      return runKernel(backward.name, { logits, labels, logSumExp, gradNll: firstGradient(gradOutputs) })[0]!;
    },
  }),
};

/**
 * nll[n] = logSumExp(logits[n]) − logits[n, labels[n]], in nats
 * @param logits [N, V] float32, borrowed
 * @param labels [N] int32, borrowed; −100 is ignored (loss 0, gradient 0); other values outside 0..V-1 throw on WASM and give NaN on WebGPU
 * @returns      [N] float32, owned by the caller
 * @throws EngineError bad-shape, bad-argument
 */
export function crossEntropy(logits: tf.Tensor, labels: tf.Tensor): tf.Tensor {
  assertTensor('crossEntropy', 'logits', logits, [null, null]);
  assertTensor('crossEntropy', 'labels', labels, [logits.shape[0]!], 'int32');
  const [nll, logSumExp] = runKernel(forward.name, { logits, labels });
  // On the tape a clone of it is kept for the gradient; otherwise its memory goes back now.
  logSumExp!.dispose();
  return nll!;
}
